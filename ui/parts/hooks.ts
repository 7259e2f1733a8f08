// What the parts share of React's effects: the server's clock, and doing something now and then.
import { useEffect, useMemo, useRef, useState } from 'react';

/** The server's time, as this device's clock goes on from when it was told; changes every `everyMillis`. */
export function useServerNow(told: string | undefined, everyMillis: number): number {
  const [, tick] = useState(0);
  const aheadMillis = useMemo(() => (told === undefined ? 0 : Date.parse(told) - Date.now()), [told]);
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), everyMillis);
    return () => clearInterval(timer);
  }, [everyMillis]);
  return Date.now() + aheadMillis;
}

/** Calls `work` every `everyMillis` while the page is looked at; never when `everyMillis` is undefined. */
export function useNowAndThen(work: () => void, everyMillis: number | undefined): void {
  const latest = useRef(work);
  useEffect(() => {
    latest.current = work;
  });
  useEffect(() => {
    if (everyMillis === undefined) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') latest.current();
    }, everyMillis);
    return () => clearInterval(timer);
  }, [everyMillis]);
}
