import { cellWidth, fitCell } from "./cell-width.ts";
import { type Ink, type Paper, paint } from "./paper.ts";

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly align?: "left" | "right";
  /** When the table is too wide, it is made narrower, down to so many columns of the terminal. */
  readonly least?: number;
  /** When it is too wide even then, the columns with the highest numbers are left out first. */
  readonly dispensability?: number;
  readonly ink?: (row: Row) => Ink | undefined;
  text(row: Row): string;
}

const gap = "  ";

/** The lines of a table: its head, and a line a row. What is too wide for the paper is cut. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], paper: Paper): string[] {
  // A column in which nobody has anything to say is left out.
  const cells = columns
    .map((column) => ({ column, texts: rows.map((row) => column.text(row)) }))
    .filter(({ texts }) => texts.some((text) => text !== ""));
  const fitted = fit(cells, paper.columns);
  const head = fitted.map(({ column, width }) => fitCell(column.title, width, column.align)).join(gap);
  const body = rows.map((row, index) =>
    fitted
      .map(({ column, texts, width }) =>
        paint(paper, column.ink?.(row), fitCell(texts[index] ?? "", width, column.align)),
      )
      .join(gap)
      .trimEnd(),
  );
  return [paint(paper, "bold", head.trimEnd()), ...body];
}

interface Cells<Row> {
  readonly column: Column<Row>;
  readonly texts: readonly string[];
}

type Fitted<Row> = Cells<Row> & { readonly width: number };

/** The columns that there is room for, with their widths. */
function fit<Row>(cells: readonly Cells<Row>[], room: number): readonly Fitted<Row>[] {
  const fitted = cells.map((cell) => ({
    ...cell,
    width: Math.max(cellWidth(cell.column.title), ...cell.texts.map(cellWidth)),
  }));
  let excess = widthOf(fitted) - room;
  // The widest gives first.
  while (excess > 0) {
    const widest = fitted
      .filter(({ width, column }) => column.least !== undefined && width > column.least)
      .reduce<Fitted<Row> | undefined>(
        (most, each) => (most === undefined || each.width > most.width ? each : most),
        undefined,
      );
    if (widest === undefined) break;
    Object.assign(widest, { width: widest.width - 1 });
    excess -= 1;
  }
  if (excess <= 0 || fitted.length <= 1) return fitted;
  const dispensable = cells.reduce((most, each) => (rank(each) > rank(most) ? each : most));
  return fit(
    cells.filter((cell) => cell !== dispensable),
    room,
  );
}

function rank<Row>({ column }: Cells<Row>): number {
  return column.dispensability ?? 0;
}

function widthOf<Row>(fitted: readonly Fitted<Row>[]): number {
  return fitted.reduce((sum, { width }) => sum + width, 0) + gap.length * Math.max(0, fitted.length - 1);
}
