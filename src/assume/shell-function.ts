// The shells that Stint speaks. What they evaluate stands in cli/shell.
import type { Shell } from './exporters.ts';

export type ShellName = 'bash' | 'zsh' | 'fish' | 'pwsh';

export const shellNames: readonly ShellName[] = ['bash', 'zsh', 'fish', 'pwsh'];

/** The language of export lines that a shell reads. */
export function languageOf(name: ShellName): Shell {
  return name === 'bash' || name === 'zsh' ? 'sh' : name;
}
