import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { State } from '../../src/cloud/state.ts';
import { openStateFile } from '../../src/cloud/state-file.ts';
import { stateContract } from './state.ts';

stateContract('state in memory', () => new State());

stateContract('state in a file', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'stint-state-'));
  const state = new State(openStateFile(directory));
  context.after(async () => {
    await state.close();
    rmSync(directory, { recursive: true });
  });
  return state;
});
