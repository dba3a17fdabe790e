/** Something that is needed to compare with, or to test with, or why it could not be had. */
export type Provided<Thing> = { readonly thing: Thing } | { readonly missing: string };

/** What was provided; `undefined` when it could not be had. */
export function thingOf<Thing>(provided: Provided<Thing>): Thing | undefined {
  return "thing" in provided ? provided.thing : undefined;
}
