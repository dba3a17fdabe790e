import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { rootFolder } from "../../provision/root-folder.ts";
import type { Verdict } from "../checker/check-history.ts";
import type { Summary } from "./summary.ts";
import { timelineData } from "./timeline-data.ts";

const page = join(rootFolder, "faults/report/page");

/** Writes the report into `folder`, and resolves to the paths of its files. */
export async function writeReport(folder: string, summary: Summary, verdict: Verdict): Promise<readonly string[]> {
  const json = join(folder, "report.json");
  await writeFile(json, `${JSON.stringify(summary, undefined, 2)}\n`);
  const html = join(folder, "report.html");
  await writeFile(html, await makePage(verdict, summary));
  return [json, html];
}

/** One file that needs no other. */
async function makePage(verdict: Verdict, summary: Summary): Promise<string> {
  const [frame, script] = await Promise.all(
    ["timeline.html", "timeline.js"].map((file) => readFile(join(page, file), "utf8")),
  );
  // In a script, `</` would end it.
  const data = JSON.stringify(timelineData(verdict, summary)).replaceAll("</", "<\\/");
  return (frame ?? "")
    .replace('id="data"></script>', () => `id="data">${data}</script>`)
    .replace("<script></script>", () => `<script>\n${script}</script>`);
}
