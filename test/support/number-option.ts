/** The number that an option of one of our own programs has been given. Otherwise says so, and ends the program. */
export function readNumber(name: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number >= 0) return number;
  console.error(`--${name} must be a number; got ${JSON.stringify(text)}`);
  process.exit(64);
}
