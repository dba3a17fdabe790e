/** A fenced block of a Markdown page. */
export interface FencedBlock {
  /** The word after the fence, for example `js`. */
  readonly language: string;
  readonly text: string;
  /** Where it begins: the number of the fence's line. */
  readonly line: number;
  /** The last heading before it. */
  readonly heading: string;
  /** What the page says that it prints: the `text` block after the words "It prints:", if they follow it. */
  readonly output: string | undefined;
}

/** The fenced blocks of a page, in order. */
export function readFencedBlocks(page: string): readonly FencedBlock[] {
  const blocks = [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  return blocks.map((block) => {
    const { 1: language = "", 2: text = "", index } = block;
    const before = page.slice(0, index);
    return {
      language,
      text,
      line: before.split("\n").length,
      heading: [...withoutBlocks(before).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? "",
      output: /^\n+It prints:\n+```text\n(.*?)^```$/ms.exec(page.slice(index + block[0].length))?.[1],
    };
  });
}

/** Where the links of a page lead, as they are written; those to other sites left out. */
export function readLinks(page: string): readonly string[] {
  return [...withoutBlocks(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** The names by which a page's headings can be linked to, as GitHub makes them. */
export function readAnchors(page: string): readonly string[] {
  return [...withoutBlocks(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** What looks like a heading in a program is a comment. */
function withoutBlocks(page: string): string {
  return page.replace(/^```.*?^```$/gms, "");
}
