// What wants attention, in Chromium.
import { BASE, TOKEN, browser, open, axe, settled, shot, step, say, please } from './harness.mjs';

const page = await open({ locale: 'en-GB' });
const press = (name, where = page) => where.getByRole('button', { name, exact: true }).click();
const panel = () => page.locator('section.panel', { hasText: 'Wants attention' });
const line = (text) => panel().locator('li', { hasText: text });
const call = (method, path, body) => page.evaluate(async ([m, p, b]) => {
	const csrf = (await (await fetch('api/v1/session')).json()).user.csrf;
	const r = await fetch(`api/v1${p}`, { method: m, headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf }, body: JSON.stringify(b) });
	return r.json();
}, [method, path, body]);

await step('set-up', async () => {
	await page.goto(`${BASE}/#setup=${TOKEN}`);
	await page.getByLabel('Name').fill('root');
	await page.getByLabel('Password').fill('correct horse');
	await press('Set up');
	await page.waitForSelector('.tile');
});

await step('what is wrong', async () => {
	await line('refusing: parked').waitFor();
	say(await line('refusing: parked').count() === 1, 'the key that was refused');
	await line('Provider down fails').waitFor();
	say((await line('Provider down fails').textContent()).includes('left alone'), 'the circuit that is open');
	say((await line('Provider down fails').getByRole('link', { name: 'its failures' }).getAttribute('href')).includes('provider=down'), 'and what failed');
	await axe(page, 'attention');
	await shot(page, 'attention');
});

await step('its last error', async () => {
	await page.goto(`${BASE}/#/keys`);
	const card = page.locator('.card', { hasText: 'Last error: 401' });
	await card.waitFor();
	say(await card.getByRole('button', { name: 'Reset' }).count() === 1, 'stands with a key, beside what mends it');
	await page.goto(`${BASE}/#/dashboard`);
});

await step('in Chinese', async () => {
	const sheet = page.locator('dialog[open]');
	const see = async (model, texts, name) => {
		await page.goto(`${BASE}/#/logs?model=${model}`);
		await page.locator('tr.click').last().click();
		await sheet.locator('h3').first().waitFor();
		const all = await sheet.textContent();
		const miss = texts.filter((x) => !all.includes(x));
		say(miss.length === 0, name, `${miss.join(', ')} is not in ${all.slice(0, 1500)}`);
		await shot(page, `said-${model}`);
		await page.keyboard.press('Escape');
		await sheet.waitFor({ state: 'detached' });
	};
	await page.evaluate(() => localStorage.setItem('lang', 'zh'));
	await page.reload();
	await page.getByText('需要关注').waitFor();
	await see('r', ['密钥被拒绝', 'this key is not ours', '按模型列表'], 'an attempt: our words, and the provider’s as they came');
	await see('d', ['提供商“down”无法连接：'], 'an error of the gateway');
	await see('w', ['丢弃', '目标不认识', '成功'], 'a loss');
	await page.evaluate(() => localStorage.setItem('lang', 'en'));
	await page.goto(`${BASE}/#/dashboard`);
	await page.reload();
	await page.waitForSelector('.tile');
});

await step('mended', async () => {
	await press('Reset', line('refusing: parked'));
	await page.waitForSelector('.toast:has-text("The key serves again.")');
	await line('refusing: parked').waitFor({ state: 'detached' });
	say(true, 'its line is gone');
	say(await line('Provider down fails').count() === 1, 'the other one stays');
	await page.goto(`${BASE}/#/providers`);
	const row = page.locator('tr', { hasText: 'down' });
	say((await row.textContent()).includes('left alone'), 'the page of providers shows it, too');
	await row.getByRole('button', { name: 'Reset' }).waitFor();
	await page.goto(`${BASE}/#/dashboard`);
	await press('Reset', line('Provider down fails'));
	await page.waitForSelector('.toast:has-text("The provider is asked again.")');
	await line('Provider down fails').waitFor({ state: 'detached' });
	say(true, 'and is mended by its own button');
});

await step('a request in flight', async () => {
	await please('hang');
	await page.goto(`${BASE}/#/live`);
	const row = page.locator('tr', { hasText: 'patient/1' });
	await row.waitFor();
	say(/well/.test(await row.textContent()), 'what runs, and where');
	await row.getByRole('button', { name: /End it/ }).click();
	const ask = page.locator('dialog[open]');
	say((await ask.textContent()).includes('patient/1'), 'what is ended is named');
	await shot(page, 'live-end');
	await press('End it', ask);
	await row.waitFor({ state: 'detached' });
	await please('ended');
	await page.goto(`${BASE}/#/dashboard`);
	await settled(page);
	await press('key', page.getByRole('group', { name: 'By' }));
	await page.locator('td', { hasText: 'refusing sk-' }).waitFor();
	say(true, 'sums by key name the keys');
});

await step('looking', async () => {
	for (const [name, list] of [['connect', '#connect-models'], ['playground', '#play-models']]) {
		await page.goto(`${BASE}/#/${name}`);
		await page.locator(`${list} option[value=mock-echo]`).waitFor({ state: 'attached' });
		say(await page.locator(`${list} option[value=w]`).count() === 1, `${name}: the models served`);
	}
	await page.goto(`${BASE}/#/dashboard`);
});

await step('a budget', async () => {
	await call('PUT', '/prices', { model: 'w', input: 1000, output: 100000 });
	const made = await call('POST', '/tenants', { name: 'spenders', budget_total: 0.6 });
	const key = await call('POST', '/client-keys', { name: 'k', tenant_id: made.id });
	await please(`spend ${key.key}`);
	await page.reload();
	await line('Tenant spenders').waitFor();
	say(/whole budget/.test(await line('Tenant spenders').textContent()), 'which of its budgets');
	await page.goto(`${BASE}/#/tenants`);
	await page.locator('td', { hasText: /US\$0\.\d+ of US\$0\.60 in all/ }).waitFor();
	say(true, 'the page of tenants tells what is spent');
	await page.goto(`${BASE}/#/dashboard`);
	await line('Tenant spenders').getByRole('link').first().click();
	await settled(page);
	say(page.url().includes('tenants'), 'a link to where it is changed');
	await shot(page, 'attention-budget');
});

await browser.close();
process.exit(0);
