// Who can become more than they are: the methods, the ways, and what a change opens.
export type { Method } from './method.ts';
export { methods, soloEscalations } from './methods.ts';
export type { Edge, Grant } from './edges.ts';
export { Escalations, type EscalationPath, type Gain } from './paths.ts';
export { newEscalations } from './changes.ts';
