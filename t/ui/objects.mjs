// Keys and providers, in Chromium.
import { BASE, TOKEN, browser, open, axe, settled, shot, step, say, please } from './harness.mjs';

const evil = '<img src=x onerror=window.hacked=1>';
const page = await open({ locale: 'en-GB' });
const dialog = () => page.locator('dialog[open]').last();
const press = (name, where = page) => where.getByRole('button', { name, exact: true }).click();
const toast = (text) => page.waitForSelector(`.toast:has-text("${text}")`);
const gone = () => page.waitForFunction(() => !document.querySelector('dialog[open]'));
const csrf = () => page.evaluate(async () => (await (await fetch('api/v1/session')).json()).user.csrf);
const call = async (method, path, body) => page.evaluate(async ([m, p, b, c]) => {
	const r = await fetch(`api/v1${p}`, { method: m, headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': c }, body: b ? JSON.stringify(b) : undefined });
	return r.status === 204 ? null : r.json();
}, [method, path, body || null, await csrf()]);
const show = async (name) => { await page.goto(`${BASE}/#/${name}`); await settled(page); };
const card = (mask) => page.locator('.card', { hasText: mask });

await step('set-up', async () => {
	await page.goto(`${BASE}/#setup=${TOKEN}`);
	await page.getByLabel('Name').fill('root');
	await page.getByLabel('Password').fill('correct horse');
	await press('Set up');
	await page.waitForSelector('.tile');
});

await step('a provider', async () => {
	await show('providers');
	await press('Add a provider');
	await dialog().getByLabel('Name').fill('local');
	await dialog().getByLabel('Base URL').fill('file:///etc/passwd');
	await press('Save', dialog());
	await dialog().locator('.error').waitFor();
	say((await dialog().locator('.field', { hasText: 'Base URL' }).textContent()).length > 20, 'what is wrong stands at its field');
	await axe(page, 'a provider\'s form');
	await shot(page, 'provider-error');
	await dialog().getByLabel('Base URL').fill(`${process.env.PROVIDER}/v1`);
	await dialog().getByLabel('Headers').fill('X-Team: browser\nnonsense');
	await dialog().getByLabel('Default model').fill('gpt-x');
	await press('Save', dialog());
	await dialog().locator('.error', { hasText: 'nonsense' }).waitFor();
	say(true, 'a header that is none is named');
	await dialog().getByLabel('Headers').fill('X-Team: browser');
	await press('Save', dialog());
	await toast('Saved.');
	await page.locator('tr', { hasText: 'local' }).waitFor();
	say(true, 'it is in the table');
});

await step('keys are pasted', async () => {
	await show('keys');
	await press('Add keys');
	await dialog().getByLabel('Provider').selectOption('local');
	await dialog().getByLabel('Keys, one a line').fill('sk-pasted-value-001\nno key\nsk-pasted-value-002');
	await dialog().getByLabel('Note').fill(evil);
	await press('Add', dialog());
	await dialog().locator('.banner').waitFor();
	say((await dialog().locator('.banner').textContent()).includes('line 2'), 'a bad line is named');
	say(await dialog().getByLabel('Keys, one a line').inputValue() === 'no key', 'and alone is left');
	await shot(page, 'keys-pasted');
	await press('Cancel', dialog());
	await gone();
	await page.waitForFunction(() => document.querySelectorAll('.card').length === 3);
	say(!(await page.content()).includes('pasted-value'), 'no value is shown');
	say(await page.evaluate(() => !window.hacked && !document.querySelector('#page img')), 'markup is text');
	await axe(page, 'keys');
	await shot(page, 'keys-board');
});

await step('tried', async () => {
	await please('known');
	const first = page.locator('.card').filter({ hasText: evil }).first();
	await press('Test', first);
	say(await dialog().getByLabel('Model').inputValue() === 'gpt-x', 'with the provider\'s model');
	await press('Test', dialog());
	await dialog().locator('.badge').waitFor();
	say((await dialog().locator('.badge').textContent()) === '200', 'an answer');
	await shot(page, 'key-test');
	await press('Close', dialog().locator('.actions'));
	await gone();
	await please('asked');
});

await step('off and on', async () => {
	const first = page.locator('.card').filter({ hasText: evil }).first();
	await press('Disable', first);
	await dialog().getByLabel('Why').fill('it leaked');
	await press('Disable', dialog());
	await toast('Saved.');
	await page.locator('.card', { hasText: 'it leaked' }).waitFor();
	say((await page.locator('.card', { hasText: 'it leaked' }).textContent()).includes('disabled'), 'off, and why');
	await press('Enable', page.locator('.card', { hasText: 'it leaked' }));
	await page.waitForFunction(() => ![...document.querySelectorAll('.card')].some((c) => c.textContent.includes('it leaked')));
	say(true, 'and on again');
});

await step('somebody else', async () => {
	const k = (await call('GET', '/keys')).keys.find((x) => x.note === evil && x.mask.endsWith('002'));
	const c = card(k.mask);
	await press('Change', c);
	await dialog().getByLabel('Weight').fill('7');
	await dialog().getByLabel('Expires').fill('2031-02-03T04:05');
	await call('PATCH', `/keys/${k.id}`, { priority: 3 });
	await press('Save', dialog());
	await dialog().locator('.banner').waitFor();
	say((await dialog().locator('.banner').textContent()).includes('Somebody else'), 'has changed it: that is said');
	say(await dialog().getByLabel('Weight').inputValue() === '7', 'what was typed is kept');
	await shot(page, 'key-stale');
	await press('Save', dialog());
	await toast('Saved.');
	await gone();
	const now = await call('GET', `/keys/${k.id}`);
	say(now.weight === 7 && now.priority === 3, 'both changes are there');
	say(new Date(now.expires_us / 1000).getFullYear() === 2031, 'and when it expires');
	await page.locator('.card', { hasText: 'Expires' }).waitFor();
	say((await call('GET', '/providers')).providers.find((p) => p.name === 'local').headers['X-Team'].includes('****'), 'the provider has its header, masked');
});

await step('deleted', async () => {
	await show('providers');
	await press('Delete', page.locator('tr', { hasText: 'local' }));
	say((await dialog().textContent()).includes('It is used by'), 'what uses it is named');
	await press('Delete', dialog());
	await dialog().locator('.banner').waitFor();
	say(true, 'and it stays');
	await press('Cancel', dialog());
	await gone();
	for (const k of (await call('GET', '/keys')).keys.filter((x) => x.provider === 'local')) {
		await show('keys');
		await press('Delete', card(k.mask).filter({ hasText: evil }));
		say((await dialog().textContent()).includes(k.mask), 'a key is named');
		await press('Delete', dialog());
		await gone();
	}
	await show('providers');
	await press('Delete', page.locator('tr', { hasText: 'local' }));
	await press('Delete', dialog());
	await gone();
	await page.waitForFunction(() => ![...document.querySelectorAll('td b')].some((b) => b.textContent === 'local'));
	say(true, 'then it goes');
});

await step('a budget that is spent', async () => {
	await call('POST', '/tenants', { name: `b${evil}`, budget_total: 0 });
	await show('dashboard');
	const item = page.locator('li', { hasText: 'whole budget' });
	await item.waitFor();
	say((await item.textContent()).includes('100%') && (await item.textContent()).includes(evil), 'wants attention, its name as text');
	await item.getByRole('link', { name: 'Change' }).click();
	await dialog().getByLabel('Budget in all').waitFor();
	await dialog().getByLabel('Budget in all').fill('5');
	await press('Save', dialog());
	await toast('Saved.');
	await show('dashboard');
	await page.getByText('Nothing does.').waitFor();
	say(true, 'and is mended from there');
});

await step('a tenant that two change', async () => {
	const made = await call('POST', '/tenants', { name: 'both', rpm: 5 });
	await show('tenants');
	await press('Change', page.locator('tr', { hasText: 'both' }));
	await dialog().getByLabel('Note').fill('mine');
	await call('PATCH', `/tenants/${made.id}`, { rpm: 7 });
	await press('Save', dialog());
	await dialog().locator('.met').waitFor();
	say(await dialog().getByLabel('Requests a minute').inputValue() === '7', 'what the other one changed comes in');
	say(await dialog().getByLabel('Note').inputValue() === 'mine', 'what was typed stays');
	await press('Save', dialog());
	await toast('Saved.');
	const now = await call('GET', `/tenants/${made.id}`);
	say(now.rpm === 7 && now.note === 'mine', 'and both are saved');
	const client = await call('POST', '/client-keys', { name: 'gone', tenant_id: made.id });
	await page.reload();
	await page.locator('tr', { hasText: 'gone' }).waitFor();
	await call('PATCH', `/client-keys/${client.id}`, { note: 'new' });
	await press('Delete', page.locator('tr', { hasText: 'gone' }));
	await press('Delete', dialog());
	await dialog().locator('.banner').waitFor();
	say((await call('GET', '/client-keys')).client_keys.some((k) => k.name === 'gone'), 'one that changed meanwhile is not deleted');
	await press('Cancel', dialog());
	await page.setViewportSize({ width: 390, height: 800 });
	await show('tenants');
	const box = await page.locator('tr', { hasText: 'both' }).first().getByRole('button', { name: 'Delete' }).boundingBox();
	say(box.x >= 0 && box.x + box.width <= 390, 'on a phone its buttons are in sight');
	await page.setViewportSize({ width: 1360, height: 900 });
});

await step('a user that two change', async () => {
	const row = page.locator('tr', { hasText: 'anna' });
	await show('users');
	await press('Add a user');
	await dialog().getByLabel('Name').fill('anna');
	await dialog().getByLabel('Password').fill('correct horse');
	await press('Save', dialog());
	await gone();
	await row.waitFor();
	const { id } = (await call('GET', '/users')).users.find((u) => u.name === 'anna');
	await press('Change', row);
	await dialog().getByLabel('Password').fill('another horse');
	await call('PATCH', `/users/${id}`, { enabled: false });
	await press('Save', dialog());
	await dialog().locator('.met').waitFor();
	say(!await dialog().getByLabel('may log in').isChecked(), 'what the other one changed comes in: she may not log in');
	say(await dialog().getByLabel('Password').inputValue() === 'another horse', 'what was typed stays');
	say((await call('GET', `/users/${id}`)).enabled === false, 'and is not saved over it');
	await shot(page, 'user-stale');
	await press('Save', dialog());
	await gone();
	await row.getByText('disabled').waitFor();
	await call('PATCH', `/users/${id}`, { role: 'admin' });
	await press('Delete', row);
	await press('Delete', dialog());
	await dialog().locator('.banner').waitFor();
	say((await dialog().locator('.banner').textContent()).includes('changed meanwhile'), 'one that became an administrator is not deleted unseen');
	await press('Cancel', dialog());
	await gone();
	await row.getByText('admin', { exact: true }).waitFor();
	say(true, 'the table shows it now');
	await press('Delete', row);
	await press('Delete', dialog());
	await gone();
	await row.waitFor({ state: 'detached' });
	say(true, 'then she is');
});

await step('a price that two change', async () => {
	const row = page.locator('tr', { hasText: 'own-model' });
	await call('PUT', '/prices', { model: 'own-model', input: 1, output: 2 });
	await show('prices');
	await press('Change', row);
	say(await dialog().getByLabel('Model').isDisabled(), 'another name would be another price');
	await dialog().getByLabel('Source').fill('mine');
	await call('PUT', '/prices', { model: 'own-model', input: 1, output: 5 });
	await press('Save', dialog());
	await dialog().locator('.met').waitFor();
	say(await dialog().getByLabel('Output').inputValue() === '5', 'what the other one changed comes in');
	await press('Save', dialog());
	await gone();
	const p = (await call('GET', '/prices')).prices.find((x) => x.model === 'own-model');
	say(p.output === 5 && p.source === 'mine', 'and both are saved');
});

await step('problems in Chinese', async () => {
	await page.getByRole('button', { name: '中文', exact: true }).click();
	const wrong = await page.evaluate(async () => {
		const { api } = await import(new URL('lib.js', document.querySelector('script[type=module]').src));
		return api('POST', '/models', { route_key: 'a', target_model: 'b', provider: 'nobody' }).catch((e) => ({ field: e.field, text: e.message }));
	});
	say(wrong.field === 'provider' && wrong.text === '提供商“nobody”不存在', 'are told so');
});

await browser.close();
process.exit(0);
