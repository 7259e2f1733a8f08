// Work on many accounts at once, but not on all.

/** Accounts worked on at one time: enough to hide latency, few enough for the caller's own STS and sockets. */
export const accountsAtOnce = 16;

/** Runs `work` for every item, at most `limit` at a time; rejects with the first failure after all have ended. */
export async function forEachLimited<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      try {
        results[index] = await work(items[index]!);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}
