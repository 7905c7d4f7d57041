// One who may only look, in Chromium.
import { BASE, TOKEN, browser, open, axe, settled, shot, step, say } from './harness.mjs';

// What changes something, by how its buttons begin.
const acts = /^(Add|Save|Delete|Change|Disable|Enable|Reset|Test|Roll|Undo|Import|Export|Cancel|New|Send|Replay|End|Move|Reprice|Set)\b/;
const press = (name, where) => where.getByRole('button', { name, exact: true }).click();
const page = await open({ locale: 'en-GB' });
let names = [];

await step('what there is to see', async () => {
	await page.goto(`${BASE}/#setup=${TOKEN}`);
	await page.getByLabel('Name').fill('root');
	await page.getByLabel('Password').fill('correct horse');
	await press('Set up', page);
	await page.waitForSelector('.tile');
	const made = await page.evaluate(async () => {
		const csrf = (await (await fetch('api/v1/session')).json()).user.csrf;
		const post = async (method, path, body) => (await fetch(`api/v1${path}`, { method, headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf }, body: JSON.stringify(body) })).status;
		return [await post('POST', '/providers', { name: 'p', dialect: 'openai-chat', base_url: 'http://127.0.0.1:9/v1' }),
		    await post('POST', '/keys', { provider: 'p', api_key: 'sk-viewer-test-1' }),
		    await post('POST', '/models', { route_key: 'm', target_model: 'x', provider: 'p' }),
		    await post('POST', '/rules', { name: 'r', match: { model: 'm-*' }, targets: [{ provider: 'p', model: 'x' }] }),
		    await post('POST', '/tenants', { name: 't', budget_total: 0 }),
		    await post('PUT', '/prices', { model: 'x', input: 1, output: 1 }),
		    await post('POST', '/users', { name: 'guest', password: 'just looking', role: 'viewer' })];
	});
	say(made.every((s) => s < 300), 'one of each', made.join(' '));
	names = await page.locator('nav a').evaluateAll((l) => l.map((a) => a.getAttribute('href').slice(2)));
	let n = 0;
	for (const name of ['keys', 'providers', 'models', 'routes', 'tenants', 'prices']) {
		await page.goto(`${BASE}/#/${name}`);
		await settled(page);
		n += (await page.locator('#page button').allTextContents()).some((b) => acts.test(b.trim()));
	}
	say(n === 6, 'whose pages have such buttons for an administrator', `${n}`);
});

await step('a viewer', async () => {
	const theirs = await open({ locale: 'en-GB' });
	const bad = [];
	await theirs.goto(BASE);
	await theirs.getByLabel('Name').fill('guest');
	await theirs.getByLabel('Password').fill('just looking');
	await press('Log in', theirs);
	await theirs.waitForSelector('.tile');
	theirs.on('response', (r) => { if (r.status() >= 400) bad.push(`${r.status()} ${r.url()}`); });
	const shown = await theirs.locator('nav a').evaluateAll((l) => l.map((a) => a.getAttribute('href').slice(2)));
	say(shown.length >= names.length - 2 && !shown.includes('users') && !shown.includes('playground'), 'all pages but those of administrators', shown.join(' '));
	for (const name of shown) {
		await theirs.goto(`${BASE}/#/${name}`);
		await settled(theirs);
		const found = (await theirs.locator('#page button').allTextContents()).map((b) => b.trim()).filter((b) => acts.test(b));
		say(found.length === 0, `${name}: nothing to press that would be refused`, found.join(', '));
	}
	say(bad.length === 0, 'nothing was asked for that is refused', bad.join('\n'));
	await axe(theirs, 'a viewer\'s page');
	await shot(theirs, 'viewer');
	for (const name of names.filter((x) => !shown.includes(x))) {
		await theirs.goto(`${BASE}/#/${name}`);
		await settled(theirs);
		say(!(await theirs.locator('#page button').allTextContents()).some((b) => acts.test(b.trim())), `${name}: by its address neither`);
	}
});

await browser.close();
process.exit(0);
