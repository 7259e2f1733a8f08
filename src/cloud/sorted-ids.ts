// Ids in order, in pieces, so that one more among 100,000 moves hundreds and not all of them.

/** A piece is cut in two when it is longer: measured best between 200 and 2000 for 1,000 to 1,000,000 ids. */
const longestPiece = 512;

/** Index of the first id that is not below `id`, or not at or below it with `after`. */
function position(ids: readonly string[], id: string, after: boolean): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = ids[middle]!;
    if (key < id || (after && key === id)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A set of ids in ascending order of code units. */
export class SortedIds {
  /** None of them is empty. */
  readonly #pieces: string[][] = [];
  /** First id of each piece. */
  readonly #firsts: string[] = [];

  constructor(ids: Iterable<string>) {
    const sorted = [...ids].sort();
    for (let start = 0; start < sorted.length; start += longestPiece / 2) {
      const piece = sorted.slice(start, start + longestPiece / 2);
      this.#pieces.push(piece);
      this.#firsts.push(piece[0]!);
    }
  }

  /** `id` is not in it. */
  add(id: string): void {
    if (this.#pieces.length === 0) {
      this.#pieces.push([id]);
      this.#firsts.push(id);
      return;
    }
    const index = this.#pieceOf(id);
    const piece = this.#pieces[index]!;
    piece.splice(position(piece, id, false), 0, id);
    this.#firsts[index] = piece[0]!;
    if (piece.length <= longestPiece) return;
    const rest = piece.splice(piece.length >>> 1);
    this.#pieces.splice(index + 1, 0, rest);
    this.#firsts.splice(index + 1, 0, rest[0]!);
  }

  /** `id` is in it. */
  remove(id: string): void {
    const index = this.#pieceOf(id);
    const piece = this.#pieces[index]!;
    piece.splice(position(piece, id, false), 1);
    if (piece.length > 0) {
      this.#firsts[index] = piece[0]!;
      return;
    }
    this.#pieces.splice(index, 1);
    this.#firsts.splice(index, 1);
  }

  /** The first id behind `after`, or of all; undefined when there is none. */
  next(after: string | undefined): string | undefined {
    if (after === undefined) return this.#pieces[0]?.[0];
    if (this.#pieces.length === 0) return undefined;
    const index = this.#pieceOf(after);
    const piece = this.#pieces[index]!;
    return piece[position(piece, after, true)] ?? this.#pieces[index + 1]?.[0];
  }

  /** The piece that `id` is in or belongs into. */
  #pieceOf(id: string): number {
    return Math.max(0, position(this.#firsts, id, true) - 1);
  }
}
