// The part of undici that is used, by its file: its index would bring `fetch`, caches and mocks along, 0.4 MB of them.
declare module 'undici/lib/dispatcher/pool.js' {
  export { Pool as default } from 'undici';
}
