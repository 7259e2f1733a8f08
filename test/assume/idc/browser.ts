// A browser that does what a person would: opens the address and follows it to the end. Started as `BROWSER`; each
// address it was given becomes a line of the file named by OPENED.
import { appendFileSync } from 'node:fs';

const url = process.argv[2]!;
appendFileSync(process.env['OPENED']!, `${url}\n`);
if (process.env['BROWSER_WAITS'] === undefined) await fetch(url, { headers: { connection: 'close' } });
