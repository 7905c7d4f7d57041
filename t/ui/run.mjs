// Every page of the web UI, in Chromium.
import { BASE, TOKEN, browser, open, axe, settled, shot, step, say, please, problems } from './harness.mjs';

// --- set-up ----------------------------------------------------------------------

let page = await open({ locale: 'en-GB' });
await step('set-up', async () => {
	let bytes = 0;
	const cdp = await page.context().newCDPSession(page);
	await cdp.send('Network.enable');
	cdp.on('Network.loadingFinished', (e) => { bytes += e.encodedDataLength; });
	await page.goto(`${BASE}/#setup=${TOKEN}`);
	await page.waitForSelector('form');
	say(bytes > 0 && bytes < 300 * 1024, 'the first page is under 300 KB over the wire', `${bytes} bytes`);
	// What else runs beside it may take the time of one.
	const paints = [];
	for (let i = 0; i < 3 && !paints.some((ms) => ms < 1000); i++) {
		if (i > 0)
			await page.reload();
		await page.waitForSelector('form');
		paints.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime));
	}
	say(paints.some((ms) => ms < 1000), 'first paint within a second', `${paints} ms`);
	await axe(page, 'set-up');
	await shot(page, 'setup');
	await page.getByLabel('Name').fill('root');
	await page.getByLabel('Password').fill('short');
	await page.getByRole('button', { name: 'Set up' }).click();
	await page.waitForSelector('.error');
	say(await page.locator('.error').textContent() === 'must have 10 characters or more', 'a bad password is told at its field');
	await page.getByLabel('Password').fill('correct horse');
	await page.getByRole('button', { name: 'Set up' }).click();
	await page.waitForSelector('.tile');
	say(!page.url().includes(TOKEN), 'the token leaves the address');
});

// --- every page, both languages, both themes ------------------------------------------

const names = await page.evaluate(() => [...document.querySelectorAll('.side a[href^="#"]')].map((a) => a.getAttribute('href').slice(2)));
say(names.length >= 5, 'pages', names.join(' '));
for (const lang of ['EN', '中文'])
	for (const theme of ['☀', '☾'])
		for (const name of names)
			await step(`${name} ${lang} ${theme}`, async () => {
				await page.goto(`${BASE}/#/${name}`);
				await page.getByRole('button', { name: lang, exact: true }).click();
				await page.getByRole('button', { name: theme, exact: true }).click();
				await settled(page);
				await page.waitForTimeout(250);
				say(await page.locator('h1').textContent() !== '', `${name}: a heading`);
				await axe(page, `${name} ${lang} ${theme}`);
				if (name === 'dashboard') {
					// The grid is fainter than what is drawn on it.
					const glares = await page.evaluate(() => [...document.querySelectorAll('canvas')].some((c) => {
						const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
						return data.some((v, i) => i % 4 === 0 && data[i + 3] > 200 && v > 200 && data[i + 1] > 200);
					}));
					say(theme === '☀' || !glares, `${name}: a chart in the colours of the dark`);
				}
				await shot(page, `${name}-${lang === 'EN' ? 'en' : 'zh'}-${theme === '☀' ? 'light' : 'dark'}`);
				if (lang === '中文') {
					const missing = await page.evaluate(() => [...(window.untranslated || [])]);
					say(missing.length === 0, `${name}: all of it in Chinese`, missing.join('\n'));
				}
			});

// --- phone ---------------------------------------------------------------------------

await step('phone', async () => {
	await page.setViewportSize({ width: 390, height: 800 });
	for (const name of names) {
		await page.goto(`${BASE}/#/${name}`);
		await settled(page);
		const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
		say(wide <= 0, `${name}: fits a phone`, `${wide} px too wide`);
		await shot(page, `${name}-phone`);
	}
	await page.locator('.menu').click();
	say(await page.locator('.side').isVisible(), 'the menu opens');
	await page.locator('.side a').nth(2).click();
	say(!(await page.locator('.side').isVisible()), 'and closes');
	await page.setViewportSize({ width: 1360, height: 900 });
	await page.getByRole('button', { name: 'EN', exact: true }).click();
});

// --- keyboard ---------------------------------------------------------------------------

await step('keyboard', async () => {
	await page.goto(`${BASE}/#/dashboard`);
	await settled(page);
	await page.locator('.side a').first().focus();
	await page.keyboard.press('Tab');
	await page.keyboard.press('Tab');
	await page.keyboard.press('Enter');
	await page.waitForFunction(() => location.hash.startsWith('#/logs'));
	await page.waitForSelector('tr.click');
	await page.locator('tr.click').first().focus();
	await page.keyboard.press('Enter');
	await page.waitForSelector('dialog[open]');
	say(await page.evaluate(() => document.activeElement.closest('dialog') !== null), 'the focus is in the sheet');
	await settled(page);
	await axe(page, 'one request');
	await shot(page, 'request');
	await page.keyboard.press('Escape');
	await page.waitForSelector('dialog[open]', { state: 'detached' });
	say(!page.url().includes('open='), 'Escape closes it');
	let seen = 0;
	for (let i = 0; i < 12; i++) {
		await page.keyboard.press('Tab');
		seen += await page.evaluate(() => {
			const s = getComputedStyle(document.activeElement);
			return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 ? 1 : 0;
		});
	}
	say(seen >= 10, 'where the focus is can be seen', `${seen} of 12`);
});

await step('a user, by keyboard', async () => {
	const focused = () => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.tagName);
	const tabTo = async (text, row = '') => {
		for (let i = 0; i < 80; i++) {
			await page.keyboard.press('Tab');
			if (await page.evaluate(([t, r]) => document.activeElement.textContent.trim() === t && (!r || document.activeElement.closest('tr')?.textContent.includes(r)), [text, row]))
				return;
		}
		throw new Error(`no way to ${text}: at ${await focused()}`);
	};
	await page.goto(`${BASE}/#/users`);
	await settled(page);
	await tabTo('Add a user');
	await page.keyboard.press('Enter');
	await page.waitForSelector('dialog[open]');
	await page.keyboard.type('keys');
	await page.keyboard.press('Tab');
	await page.keyboard.type('long enough indeed');
	await page.keyboard.press('Enter');
	await page.waitForSelector('td:has-text("keys")');
	say(await focused() === 'Add a user', 'the first field has the focus, and then what opened the form', await focused());
	await tabTo('Delete', 'keys');
	await page.keyboard.press('Enter');
	await page.waitForSelector('dialog[open]');
	await tabTo('Delete');
	await page.keyboard.press('Enter');
	await page.waitForSelector('td:has-text("keys")', { state: 'detached' });
	say(await page.evaluate(() => document.activeElement.id) === 'page', 'what is gone leaves the focus to the page');
});

// --- hostile text ---------------------------------------------------------------------------

await step('hostile text', async () => {
	await page.goto(`${BASE}/#/logs`);
	await page.waitForSelector('tr.click');
	say(await page.evaluate(() => !window.hacked && !document.querySelector('#page img, #page script, #page b')),
	    'markup from clients is text');
	say((await page.locator('#page').textContent()).includes('<img src=x onerror='), 'and is shown as such');
	await page.locator('tr.click', { hasText: 'onerror' }).first().click();
	await page.waitForSelector('dialog[open] dl');
	say(await page.evaluate(() => !window.hacked && !document.querySelector('dialog img, dialog script')), 'in the sheet, too');
	await page.keyboard.press('Escape');
	await page.goto(`${BASE}/#/users`);
	await page.getByRole('button', { name: 'Add a user' }).click();
	const form = page.locator('dialog[open]');
	await form.getByLabel('Name').fill('<b onclick=1>');
	await form.getByLabel('Password').fill('long enough indeed');
	await form.getByRole('button', { name: 'Save' }).click();
	await form.locator('.error').waitFor();
	say((await form.locator('.error').textContent()).startsWith('must be 1 to 64'), 'a bad name is told at its field');
	await form.getByLabel('Name').fill('guest');
	await form.getByRole('button', { name: 'Save' }).click();
	await page.waitForSelector('td:has-text("guest")');
	await page.locator('tr', { hasText: 'guest' }).getByRole('button', { name: 'Delete' }).click();
	say((await page.locator('dialog[open]').textContent()).includes('guest'), 'what is destroyed is named');
	await page.locator('dialog[open]').getByRole('button', { name: 'Cancel' }).click();
	say(await page.locator('td:has-text("guest")').count() === 1, 'and one may change one’s mind');
});

await step('following', async () => {
	await page.goto(`${BASE}/#/logs?model=mock-tool&to=${Date.now()}`);
	await page.waitForSelector('.empty');
	await page.getByRole('button', { name: 'Follow', exact: true }).click();
	await page.waitForSelector('.badge:has-text("live")');
	say(!page.url().includes('to='), 'what ends now is not before a time');
	await please('ask');
	await page.waitForSelector('tr.click:has-text("mock-tool")');
	say(await page.locator('tr.click').count() === 1, 'a row as its request ends, by the filter');
	await page.getByRole('button', { name: 'Stop following' }).click();
	const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'CSV', exact: true }).click()]);
	const text = await (await file.createReadStream()).toArray();
	say(/^id,time,/.test(text.join('')) && text.join('').trim().split('\n').length === 2, 'the filter holds for the export', text.join(''));
});

// Markup in every member of every object, as far as the server takes it; then every page, and what its buttons open.
await step('hostile text in every field', async () => {
	const taken = await page.evaluate(async () => {
		const evil = '"><img src=x onerror=window.hacked=1><script>window.hacked=1</script>';
		const { csrf } = (await (await fetch('api/v1/session')).json()).user;
		const ask = (method, path, body) => fetch(`api/v1/${path}`, { method, headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf }, body: JSON.stringify(body) });
		const text = ['name', 'note', 'models', 'default_model', 'headers', 'base_url', 'auth_header', 'auth_format', 'proxy', 'ca_file', 'api_key', 'disabled_why', 'tenant', 'route_key',
		    'target_model', 'provider', 'pool', 'model', 'source', 'date', 'match', 'targets', 'password', 'role'];
		const values = { models: [[evil]], headers: [{ 'x-a': evil }, { [evil]: 'a' }], match: ['model', 'path', 'tenant', 'client_key', 'any', 'all'].map((k) => ({ [k]: [evil] })).concat({ headers: { 'x-a': evil } }),
		    targets: [[{ provider: 'openai', model: evil }], [{ provider: evil }]] };
		const kinds = { tenants: { name: 't' }, 'client-keys': { name: 'c' }, providers: { name: 'p', dialect: 'openai-chat', base_url: 'http://127.0.0.1:1' }, keys: { provider: 'openai', api_key: 'sk-evil-test-' },
		    models: { route_key: 'm', target_model: 'x', provider: 'openai' }, rules: { name: 'r', match: {}, targets: [{ provider: 'openai' }] }, pools: { name: 'l', provider: 'openai', keys: [] },
		    users: { name: 'u', password: 'long enough', role: 'viewer' }, tokens: { name: 'k', role: 'viewer' }, prices: { model: 'm', input: 1, output: 1 } };
		let n = 0;
		const taken = [];
		for (const [kind, plain] of Object.entries(kinds))
			for (const member of text)
				for (const value of values[member] || [evil]) {
					n++;
					const own = Object.fromEntries(['name', 'route_key', 'api_key'].filter((k) => k in plain).map((k) => [k, plain[k] + n]));
					const r = await ask(kind === 'prices' ? 'PUT' : 'POST', kind, { ...plain, ...own, [member]: value });
					if (r.ok)
						taken.push(`${kind}.${member}`);
					else if (r.status >= 500 || !(await r.json()).detail)
						taken.push(`${kind}.${member}: ${r.status}`);
				}
		for (const name of ['PREFERRED_PROVIDER', 'FETCH_TYPES', 'SERVER_TOOLS'])
			await ask('PATCH', 'settings', { [name]: evil });
		return taken;
	});
	say(taken.length >= 10 && taken.every((x) => !/: 5/.test(x)), 'members that take any text', taken.join(' '));
	const clean = () => page.evaluate(() => !window.hacked && !document.querySelector('main img, main script, dialog img, dialog script'));
	let opened = 0;
	for (const name of names) {
		await page.goto(`${BASE}/#/${name}`);
		await page.reload();
		await settled(page);
		say(await clean(), `${name}: is shown as text`);
		const buttons = page.locator('#page').getByRole('button', { name: /^(Change|Delete|Test|New value|Disable)$/ });
		for (let i = 0; i < Math.min(await buttons.count(), 24); i++) {
			await buttons.nth(i).click();
			if (!await page.waitForSelector('dialog[open]', { timeout: 1000 }).catch(() => null))
				continue;	// it switches at once
			opened++;
			if (!await clean())
				say(false, `${name}: what button ${i} opens`);
			await page.keyboard.press('Escape');
			await page.waitForFunction(() => !document.querySelector('dialog[open]'));
		}
	}
	say(opened >= 15, 'forms and questions, too', `${opened} of them`);
});

// --- filters, many rows ------------------------------------------------------------------------

await step('filters', async () => {
	await page.goto(`${BASE}/#/logs?status=5xx`);
	await page.waitForSelector('tr.click');
	await settled(page);
	const codes = await page.locator('tbody tr td:nth-child(2)').allTextContents();
	say(codes.length > 0 && codes.every((c) => c.trim().startsWith('5')), 'the address is the filter', codes.join(' '));
	await page.goto(`${BASE}/#/logs?status=999`);
	await page.waitForSelector('.empty');
	say((await page.locator('.empty').textContent()).includes('No request is like that'), 'nothing found is said');
	await page.goto(`${BASE}/#/logs?status=x`);
	await page.waitForSelector('[role=alert]');
	say((await page.locator('[role=alert]').first().textContent()).includes('4xx'), 'a bad filter is told');
	await page.goto(`${BASE}/#/logs?modle=x`);
	await page.waitForSelector('[role=alert]:has-text("modle")');
	say(true, 'and one that there is not, by its name');
});

await step('100,000 rows', async () => {
	await please('rows');
	const t0 = Date.now();
	await page.goto(`${BASE}/#/dashboard`);
	await page.goto(`${BASE}/#/logs`);
	await page.waitForSelector('tr.click');
	const took = Date.now() - t0;
	say(took < 3000, 'the log opens at once', `${took} ms`);
	let n = await page.locator('tr.click').count();
	for (let i = 0; i < 6; i++) {
		await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
		await page.waitForFunction((had) => document.querySelectorAll('tr.click').length > had, n, { timeout: 15000 });
		n = await page.locator('tr.click').count();
	}
	say(n > 200 && n < 2000, 'more come as one scrolls, not all at once', `${n} rows`);
});

// --- the servers go and come -----------------------------------------------------------------------

await step('servers that go', async () => {
	await page.goto(`${BASE}/#/dashboard`);
	await settled(page);
	await please('stop proxyd');
	await page.waitForSelector('.banner:has-text("proxyd is not running")', { timeout: 15000 });
	say(await page.locator('.tile').count() >= 8, 'proxyd gone: what was kept is still shown');
	await page.locator('li', { hasText: 'no request is served' }).waitFor();
	say(await page.getByText('Nothing does.').count() === 0, 'and that nothing is served wants attention');
	await please('start proxyd');
	await page.waitForSelector('.banner:has-text("proxyd is not running")', { state: 'detached', timeout: 15000 });
	say(true, 'and back');
	await please('stop admind');
	await page.waitForSelector('.banner:has-text("does not answer")', { timeout: 15000 });
	await shot(page, 'gone');
	await please('start admind');
	await page.waitForSelector('.banner:has-text("does not answer")', { state: 'detached', timeout: 20000 });
	say(true, 'the management server gone and back: the page goes on by itself');
});

await step('log-out', async () => {
	await page.getByRole('button', { name: 'Log out' }).click();
	await page.waitForSelector('form');
	await page.goto(`${BASE}/#/logs`);
	await page.waitForSelector('form');
	say(await page.locator('tr.click').count() === 0, 'nothing is shown to who is not logged in');
	await page.getByLabel('Name').fill('root');
	await page.getByLabel('Password').fill('wrong password');
	await page.getByRole('button', { name: 'Log in' }).click();
	await page.waitForSelector('[role=alert]');
	await shot(page, 'login');
	await axe(page, 'log-in');
});

await browser.close();
process.exit(0);
