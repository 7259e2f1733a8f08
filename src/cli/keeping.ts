// Encryption of kept sessions, a bundle of its own: loaded where STINT_KEYRING asks for it, and by `stint forget`.
export { forgetKey, openSealing } from '../assume/index.ts';
