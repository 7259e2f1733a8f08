// A browser for tests of the page: happy-dom loads the built page from a real server and runs its script. What is typed
// and pressed goes through the same events that a person causes.
import { Browser, type BrowserPage, type HTMLElement, type HTMLInputElement, type HTMLSelectElement } from 'happy-dom';

export interface Reader {
  /** What can be read on the page, in one line. */
  readonly text: () => string;
  /** Waits until the page says so. @throws Error with the page's text when it never does. */
  readonly sees: (wanted: RegExp) => Promise<string>;
  /** Waits until the page says it no more. */
  readonly seesNo: (unwanted: RegExp) => Promise<string>;
  /** Presses the button of that name, once it is there and can be pressed. */
  readonly press: (name: string | RegExp) => Promise<void>;
  /** Types into the field of that label. */
  readonly type: (label: string, text: string) => Promise<void>;
  readonly choose: (label: string, option: string) => Promise<void>;
  /** Presses Enter in the form of the field of that label. */
  readonly submit: (label: string) => Promise<void>;
  /** Loads the page anew, as the browser does that keeps the tab's storage. */
  readonly reload: () => Promise<void>;
  /** What the tab's storage holds. */
  readonly stored: () => Readonly<Record<string, string>>;
  readonly page: () => BrowserPage;
  /** Addresses of all requests, and what the page wrote to its console. */
  readonly addresses: readonly string[];
  readonly console: () => string;
}

const patienceMillis = 20_000;

/** Opens a page in a browser of its own, which ends with the test. */
export async function openReader(url: string, after: (end: () => Promise<void>) => void): Promise<Reader> {
  const addresses: string[] = [];
  const browser = new Browser({
    settings: {
      enableJavaScriptEvaluation: true,
      enableCSSFileLoading: true,
      suppressInsecureJavaScriptEnvironmentWarning: true,
      fetch: {
        interceptor: {
          beforeAsyncRequest: async ({ request }) => {
            addresses.push(request.url);
            return undefined;
          },
        },
      },
    },
  });
  after(() => browser.close());
  const page = browser.newPage();
  await page.goto(url);
  const body = (): HTMLElement => page.mainFrame.document.body;
  const stored = (): Readonly<Record<string, string>> => {
    const { sessionStorage } = page.mainFrame.window;
    const names = Array.from({ length: sessionStorage.length }, (_, at) => sessionStorage.key(at)!);
    return Object.fromEntries(names.map((name) => [name, sessionStorage.getItem(name)!]));
  };
  const text = (): string => body().textContent.replaceAll(/\s+/g, ' ');

  async function until<T>(what: string, look: () => T | undefined): Promise<T> {
    const givenUp = performance.now() + patienceMillis;
    while (performance.now() < givenUp) {
      const found = look();
      if (found !== undefined) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error(`never seen: ${what}. The page says: ${text()}`);
  }
  // React takes over the setter of `value`: a person's typing goes past it, to the element's own.
  const fill = (field: HTMLInputElement | HTMLSelectElement, value: string, event: string): void => {
    Reflect.set(Object.getPrototypeOf(field) as object, 'value', value, field);
    field.dispatchEvent(new page.mainFrame.window.Event(event, { bubbles: true }));
  };
  const labelled = <T>(label: string): Promise<T> =>
    until(`a field \`${label}\``, () => {
      const found = [...body().querySelectorAll('label')].find(({ textContent }) => textContent === label);
      const field = found === undefined ? null : body().querySelector(`[id="${found.getAttribute('for')}"]`);
      return field === null ? undefined : (field as T);
    });
  return {
    text,
    sees: (wanted) => until(String(wanted), () => (wanted.test(text()) ? text() : undefined)),
    seesNo: (unwanted) => until(`no more ${String(unwanted)}`, () => (unwanted.test(text()) ? undefined : text())),
    press: async (name) => {
      const button = await until(`a button ${String(name)}`, () =>
        [...body().querySelectorAll('button')].findLast(({ textContent, disabled }) => {
          const same = typeof name === 'string' ? textContent === name : name.test(textContent);
          return same && !disabled;
        }),
      );
      button.click();
    },
    type: async (label, value) => fill(await labelled<HTMLInputElement>(label), value, 'input'),
    choose: async (label, option) => {
      const field = await labelled<HTMLSelectElement>(label);
      const found = [...field.options].find(({ textContent }) => textContent === option);
      fill(field, found!.value, 'change');
    },
    submit: async (label) => (await labelled<HTMLInputElement>(label)).form!.requestSubmit(),
    reload: async () => {
      // happy-dom begins with an empty storage: what was in it is put back before the page's script runs.
      const kept = stored();
      await page.goto(url, {
        beforeContentCallback: ({ sessionStorage }) => {
          for (const [name, value] of Object.entries(kept)) sessionStorage.setItem(name, value);
        },
      });
    },
    stored,
    page: () => page,
    addresses,
    console: () => page.virtualConsolePrinter.readAsString(),
  };
}
