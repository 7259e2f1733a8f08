import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Environment } from '../../../src/assume/model.ts';
import { browserCommands, hasBrowser, openBrowser } from '../../../src/assume/sources/browser.ts';

const url = 'https://x.example/?a=1&b=$(id)';

const commands: Readonly<Record<string, readonly [NodeJS.Platform, Environment, readonly (readonly string[])[]]>> = {
  'the default browser of a Linux desktop': ['linux', {}, [['xdg-open', url]]],
  'the default browser of a Mac': ['darwin', {}, [['open', url]]],
  'the default browser of Windows': ['win32', {}, [['rundll32', 'url.dll,FileProtocolHandler', url]]],
  'the Windows around a WSL': [
    'linux',
    { WSL_DISTRO_NAME: 'Debian' },
    [
      ['wslview', url],
      ['rundll32.exe', 'url.dll,FileProtocolHandler', url],
      ['xdg-open', url],
    ],
  ],
  'BROWSER first': [
    'linux',
    { BROWSER: 'firefox' },
    [
      ['firefox', url],
      ['xdg-open', url],
    ],
  ],
  'BROWSER with words, quotes and a place for the address': [
    'linux',
    { BROWSER: '"/opt/my browser" --new %s:chromium --app=%s' },
    [
      ['/opt/my browser', '--new', url],
      ['chromium', `--app=${url}`],
      ['xdg-open', url],
    ],
  ],
  'BROWSER that cannot be read is left out': ['linux', { BROWSER: '"open' }, [['xdg-open', url]]],
};

for (const [name, [platform, env, expected]] of Object.entries(commands)) {
  test(`browser: ${name}`, () => assert.deepEqual(browserCommands(url, platform, env), expected));
}

const desks: readonly (readonly [string, NodeJS.Platform, Environment, boolean])[] = [
  ['a Linux desktop', 'linux', { DISPLAY: ':0' }, true],
  ['a Wayland desktop', 'linux', { WAYLAND_DISPLAY: 'wayland-0' }, true],
  ['a machine without a display', 'linux', {}, false],
  ['an empty DISPLAY', 'linux', { DISPLAY: '' }, false],
  ['SSH with a forwarded display', 'linux', { DISPLAY: 'localhost:10', SSH_CONNECTION: 'a 1 b 22' }, false],
  ['SSH to a Mac', 'darwin', { SSH_TTY: '/dev/ttys001' }, false],
  ['a Mac', 'darwin', {}, true],
  ['WSL', 'linux', { WSL_DISTRO_NAME: 'Debian' }, true],
  [
    'an editor that forwards ports and sets BROWSER',
    'linux',
    { SSH_CONNECTION: 'a 1 b 22', BROWSER: '/x/browser.sh' },
    true,
  ],
];

for (const [name, platform, env, expected] of desks) {
  test(`a browser ${expected ? 'is' : 'is not'} counted on: ${name}`, () =>
    assert.equal(hasBrowser(platform, env), expected));
}

test('a program that is not there is passed over, and when none is, that is said', async () => {
  assert.equal(await openBrowser(url, 'linux', { PATH: '/nowhere', BROWSER: '/nowhere/x:/bin/true' }), true);
  assert.equal(await openBrowser(url, 'linux', { PATH: '/nowhere' }), false);
});
