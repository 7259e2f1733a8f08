// The second half of `stint-credentials TARGET`, for SDKs that run it often. The first half is the script
// shell/stint-credentials.sh, which answers without Node where it can.
import { runWithHot } from './load-hot.ts';

void runWithHot('credentials', async ({ runCredentialsLine }, io) => {
  await runCredentialsLine(process.argv.slice(2), io);
  return true;
});
