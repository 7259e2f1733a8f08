// Who can become more than they are: the methods, the ways, and what a change opens.
export { methods, soloEscalations, type Method } from './methods.ts';
export type { Edge, Grant } from './edges.ts';
export { Escalations, type EscalationPath, type Gain } from './paths.ts';
export { newEscalations } from './changes.ts';
