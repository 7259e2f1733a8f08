// dynalite ships no types; dynalite.ts says what it takes each module for.
declare module 'dynalite/*' {
  const exported: never;
  export default exported;
}
