// What scripts that drive the web UI in Chromium share.  Each prints one JSON line a check: { ok, name,
// note }.  What it needs comes in the environment: BASE, TOKEN, SCREENS, CHROMIUM.
import { chromium } from 'playwright-core';
import { readFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

export const { BASE, TOKEN, SCREENS, CHROMIUM } = process.env;
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const say = (ok, name, note) => console.log(JSON.stringify({ ok: !!ok, name, note }));
const asked = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
// Asks the test around this to do something, and waits until it has.
export const please = async (what) => { console.log(JSON.stringify({ please: what })); await asked.next(); };

mkdirSync(SCREENS, { recursive: true });
export const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
const origin = new URL(BASE).origin;
export const problems = [];

// UI_SLOW=N: the browser's thread at an Nth of its speed, and answers up to 30 N ms late, to find checks that look
// before the page has heard of what they look for.
async function slow(page) {
	const n = Number(process.env.UI_SLOW || 0);
	if (!(n > 1))
		return;
	const session = await page.context().newCDPSession(page);
	await session.send('Emulation.setCPUThrottlingRate', { rate: n });
	await page.route('**/api/**', async (route) => {
		await new Promise((done) => { setTimeout(done, Math.random() * 30 * n); });
		await route.continue().catch(() => {});
	});
}

export async function open(options) {
	const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, ...options });
	const page = await context.newPage();
	await slow(page);
	page.on('console', (m) => {
		// A server that is gone, or refuses, is what some of the checks are about.
		if (m.type() === 'error' && !/Failed to load resource|net::ERR_/.test(m.text()))
			problems.push(m.text());
	});
	page.on('pageerror', (e) => problems.push(e.message));
	page.on('dialog', (d) => { problems.push(`dialog ${d.message()}`); d.dismiss(); });
	page.on('request', (r) => {
		if (!r.url().startsWith(origin) && !/^(data|blob):/.test(r.url()))
			problems.push(`request elsewhere: ${r.url()}`);
	});
	return page;
}

// What axe finds serious; by isolated world, as the page's policy allows no script.
// except: rules that a library's own markup breaks.
export async function axe(page, name, except = []) {
	const session = await page.context().newCDPSession(page);
	const { frameTree } = await session.send('Page.getFrameTree');
	const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id });
	await session.send('Runtime.evaluate', { expression: `${axeSource};0`, contextId: executionContextId });
	const r = await session.send('Runtime.evaluate', { contextId: executionContextId, awaitPromise: true, returnByValue: true,
	    expression: `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }).then((r) => r.violations.filter((v) =>
		['serious', 'critical'].includes(v.impact)).map((v) => v.id + ': ' + v.nodes.slice(0, 6).map((n) => n.html.slice(0, 120)).join(' | ')))` });
	const found = (r.result.value || [String(r.exceptionDetails && r.exceptionDetails.text)])
	    .filter((f) => !except.some((e) => f.startsWith(`${e}: `)));
	say(found.length === 0, `${name}: axe finds nothing serious`, found.join('\n'));
	await session.detach();
}

export const settled = async (page) => {
	await page.waitForFunction(() => !document.querySelector('[aria-busy=true]'), null, { timeout: 15000 }).catch(() => {});
};
export const shot = (page, name) => page.screenshot({ path: `${SCREENS}/${name}.png` });

export async function step(name, f) {
	const before = problems.length;
	try {
		await f();
	} catch (e) {
		say(false, name, e.message.slice(0, 1500));
	}
	say(problems.length === before, `${name}: no error in the browser`, problems.slice(before).join('\n'));
}
