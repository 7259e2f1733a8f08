import { MemoryStore, SharedMemory } from '../../contract/memory-store.ts';
import { storeContract } from '../../contract/store.ts';

storeContract('memory', async () => {
  const memory = new SharedMemory();
  return {
    store: new MemoryStore(memory),
    reopen: async () => new MemoryStore(memory),
    beside: async () => new MemoryStore(memory),
    cleanUp: async () => {},
  };
});
