// Revisions and settings, in Chromium.
import { BASE, TOKEN, browser, open, axe, settled, shot, step, say, please } from './harness.mjs';
import { readFileSync, writeFileSync } from 'node:fs';

const evil = '<img src=x onerror=window.hacked=1><script>hacked=1</script>';
const page = await open({ locale: 'en-GB', acceptDownloads: true });
const press = (name, where = page) => where.getByRole('button', { name, exact: true }).click();
const dialog = () => page.locator('dialog[open]').last();
const toast = (text) => page.waitForSelector(`.toast:has-text("${text}")`);
const csrf = () => page.evaluate(async () => (await (await fetch('api/v1/session')).json()).user.csrf);
const call = async (method, path, body) => page.evaluate(async ([m, p, b, c]) => {
	const r = await fetch(`api/v1${p}`, { method: m, headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': c }, body: b === null ? undefined : JSON.stringify(b) });
	return { revision: Number(r.headers.get('Revision')), json: r.status === 204 ? null : await r.json() };
}, [method, path, body === undefined ? null : body, await csrf()]);

async function looks(name, address, ready) {
	for (const l of ['EN', '中文'])
		for (const th of ['☀', '☾'])
			await step(`${name} ${l} ${th}`, async () => {
				await page.goto(`${BASE}/#/dashboard`);
				await press(l);
				await press(th);
				await page.goto(`${BASE}/#/${address}`);
				await settled(page);
				await ready();
				await axe(page, `${name} ${l} ${th}`);
				await shot(page, `${name}-${l === 'EN' ? 'en' : 'zh'}-${th === '☀' ? 'light' : 'dark'}`);
				if (l === '中文') {
					const missing = await page.evaluate(() => [...(window.untranslated || [])]);
					say(missing.length === 0, `${name}: all of it in Chinese`, missing.join('\n'));
				}
			});
	await step(`${name} on a phone`, async () => {
		await page.goto(`${BASE}/#/dashboard`);
		await press('EN');
		await press('☀');
		await page.setViewportSize({ width: 390, height: 800 });
		await page.goto(`${BASE}/#/${address}`);
		await settled(page);
		await ready();
		const wide = await page.evaluate(() => Math.max(document.documentElement.scrollWidth - window.innerWidth,
		    ...[...document.querySelectorAll('dialog[open]')].map((d) => d.scrollWidth - d.clientWidth)));
		say(wide <= 0, `${name}: fits a phone`, `${wide} px too wide`);
		await shot(page, `${name}-phone`);
		await page.setViewportSize({ width: 1360, height: 900 });
	});
}

await step('set-up', async () => {
	await page.goto(`${BASE}/#setup=${TOKEN}`);
	await page.getByLabel('Name').fill('root');
	await page.getByLabel('Password').fill('correct horse');
	await press('Set up');
	await page.waitForSelector('.tile');
});

// --- a change, its notice, its undoing ----------------------------------------------------

let tenant;
await step('undo', async () => {
	tenant = (await call('POST', '/tenants', { name: evil, note: evil, rpm: 60 })).json.id;
	await call('PATCH', `/tenants/${tenant}`, { rpm: 30, budget_day: 2.5 });
	await page.goto(`${BASE}/#/tenants`);
	await settled(page);
	await page.locator('tr', { hasText: 'onerror' }).getByRole('button', { name: 'Delete' }).click();
	say((await dialog().textContent()).includes('can be undone from Revisions'), 'that it can be undone is said');
	await dialog().locator('button.danger').click();
	await toast('Deleted.');
	await shot(page, 'undo-notice');
	await page.getByRole('link', { name: 'Undo …' }).click();
	await page.waitForSelector('dialog[open] .diff');
	say((await dialog().textContent()).includes('removed'), 'the notice of a deletion leads to its revision');
	say(await page.evaluate(() => !window.hacked && !document.querySelector('#page img, dialog img, dialog script')), 'markup is text');
	await press('Undo this change', dialog());
	await page.waitForSelector('dialog dialog[open] .diff');
	say((await dialog().textContent()).includes('added'), 'what undoing changes is shown first');
	await axe(page, 'undo');
	await shot(page, 'undo');
	await press('Undo it', dialog());
	await toast('Undone.');
	const left = (await call('GET', '/tenants')).json.tenants;
	say(left.length === 1 && left[0].id === tenant && left[0].rpm === 30, 'the tenant is back', JSON.stringify(left));
});

await step('roll back', async () => {
	const at = (await call('PATCH', `/tenants/${tenant}`, { rpm: 31 })).revision;
	await call('PATCH', `/tenants/${tenant}`, { rpm: 32 });
	await call('POST', '/client-keys', { name: 'laptop' });
	await call('POST', '/users', { name: 'guest', password: 'just looking', role: 'viewer' });
	await page.goto(`${BASE}/#/revisions?open=${at}`);
	await page.waitForSelector('dialog[open] .diff');
	await press('Roll back to here', dialog());
	await page.waitForSelector('dialog dialog[open] .diff');
	const text = await dialog().textContent();
	say(text.includes('laptop') && text.includes('in one step: 2.') && text.includes('as they are (1)'), 'all that it changes is named', text);
	await axe(page, 'roll back');
	await shot(page, 'rollback');
	await press('Cancel', dialog());
	say((await call('GET', '/client-keys')).json.client_keys.length === 1, 'one may change one’s mind');
	await press('Roll back to here', dialog());
	await page.waitForSelector('dialog dialog[open] .diff');
	await press('Roll back', dialog());
	await toast('Rolled back.');
	say((await call('GET', '/client-keys')).json.client_keys.length === 0 && (await call('GET', '/tenants')).json.tenants[0].rpm === 31, 'it is done');
	await page.waitForSelector('dialog[open]', { state: 'detached' });
	say((await page.locator('tbody tr').first().textContent()).includes('roll back to'), 'and on top of the list');
});

await step('conflict', async () => {
	const n = (await call('POST', '/tenants', { name: 'clash' })).revision;
	await please('conflict');
	await page.goto(`${BASE}/#/revisions?open=${n}`);
	await page.waitForSelector('dialog[open] .diff');
	await press('Undo this change', dialog());
	await dialog().locator('[role=alert]').waitFor();
	say((await dialog().textContent()).includes('was changed again since') && await dialog().locator('button.danger').count() === 0, 'a conflict is told, and nothing offered', await dialog().textContent());
	await shot(page, 'rollback-conflict');
	await page.keyboard.press('Escape');
});

await step('by keyboard', async () => {
	await page.goto(`${BASE}/#/dashboard`);
	await page.goto(`${BASE}/#/revisions`);
	await page.waitForSelector('tr.click');
	await page.locator('tr.click').nth(1).focus();
	await page.keyboard.press('Enter');
	await page.waitForSelector('dialog[open] .diff, dialog[open] .diffs');
	say(await page.evaluate(() => document.activeElement.closest('dialog') !== null), 'Enter opens one, with the focus in it');
	await page.keyboard.press('Escape');
	await page.waitForSelector('dialog[open]', { state: 'detached' });
	say(!page.url().includes('open='), 'Escape closes it');
});

await please('merge');
await looks('revisions', 'revisions', () => page.waitForSelector('tr.click'));
await looks('revision', 'revisions?open=4', () => page.waitForSelector('dialog[open] dl'));
await step('merged', async () => {
	await page.goto(`${BASE}/#/dashboard`);
	await page.goto(`${BASE}/#/revisions?open=3`);
	await page.waitForSelector('dialog[open] dl');
	say((await dialog().textContent()).includes('Revisions 1 to 3 are merged') && await dialog().getByRole('button', { name: 'Undo this change' }).count() === 0, 'merged ones say so');
	await page.keyboard.press('Escape');
});

// --- export and import ---------------------------------------------------------------------------

let saved;
await step('export', async () => {
	await page.goto(`${BASE}/#/revisions`);
	await page.waitForSelector('tr.click');
	await press('Export');
	await dialog().getByLabel('Passphrase', { exact: true }).fill('a long passphrase');
	await dialog().getByLabel('The passphrase again').fill('another one');
	say(await dialog().getByRole('button', { name: 'Download' }).isDisabled() && (await dialog().textContent()).includes('not the same'), 'the passphrase twice the same');
	await axe(page, 'export');
	await shot(page, 'export');
	await dialog().getByLabel('The passphrase again').fill('a long passphrase');
	const [download] = await Promise.all([page.waitForEvent('download'), press('Download', dialog())]);
	saved = await download.path();
	const text = readFileSync(saved, 'utf8');
	say(JSON.parse(text).format === 'proxyd-export' && !text.includes('sk-browser-test-0001'), 'a file comes, without a key in clear');
	say(/^proxyd-export-\d{4}-\d\d-\d\d\.json$/.test(download.suggestedFilename()), 'named by its day', download.suggestedFilename());
});

await step('import', async () => {
	await page.waitForSelector('dialog[open]', { state: 'detached' });
	await call('DELETE', `/tenants/${tenant}`);
	writeFileSync(`${saved}.bad`, '{"format":');
	await press('Import');
	await dialog().getByLabel('File of an export').setInputFiles(`${saved}.bad`);
	await dialog().locator('.error').waitFor();
	say((await dialog().locator('.error').textContent()).includes('no JSON'), 'a damaged file is told at its field');
	await dialog().getByLabel('File of an export').setInputFiles(saved);
	await dialog().getByLabel('Passphrase').fill('a wrong passphrase');
	await press('Show what would change', dialog());
	await dialog().locator('.error').waitFor();
	say((await dialog().locator('.error').textContent()).includes('wrong'), 'a wrong passphrase, too');
	await dialog().getByLabel('Passphrase').fill('a long passphrase');
	await press('Show what would change', dialog());
	await dialog().locator('.diff').first().waitFor();
	say((await call('GET', '/tenants')).json.tenants.every((x) => x.id !== tenant), 'nothing happens yet');
	await axe(page, 'import');
	await shot(page, 'import');
	await press('Import', dialog());
	await toast('Imported.');
	say((await call('GET', '/tenants')).json.tenants.some((x) => x.name === evil), 'what was deleted is there again');
	say(await page.evaluate(() => !window.hacked), 'markup is text there, too');
});

// --- settings ----------------------------------------------------------------------------------------

await looks('settings', 'settings', () => page.waitForSelector('.setting'));
await step('settings', async () => {
	await page.goto(`${BASE}/#/settings`);
	await page.waitForSelector('.setting');
	const of = (name) => page.locator('.setting', { has: page.getByLabel(name, { exact: true }) });
	say((await of('LOG_DAYS').textContent()).includes('app.yml'), 'where a value is from');
	await page.getByLabel('LOG_DAYS', { exact: true }).fill('forty');
	await page.getByLabel('KEEPALIVE', { exact: true }).fill('30s');
	await page.getByLabel('LOG_BODIES', { exact: true }).selectOption('errors');
	await shot(page, 'settings-changed');
	say((await page.locator('.savebar').textContent()).includes('3 not saved'), 'what is not saved is counted');
	await press('Save');
	await of('LOG_DAYS').locator('.error').waitFor();
	say((await of('LOG_DAYS').locator('.error').textContent()).includes('whole number'), 'an error stands at its field');
	say(await page.evaluate(() => document.activeElement.getAttribute('aria-invalid') === 'true'), 'which has the focus');
	await axe(page, 'settings with an error');
	await shot(page, 'settings-error');
	say((await call('GET', '/settings')).json.settings.find((s) => s.name === 'KEEPALIVE').value === '15s', 'and nothing is half-saved');
	await page.getByLabel('LOG_DAYS', { exact: true }).fill('40');
	await press('Save');
	await toast('Saved.');
	await page.waitForFunction(() => document.querySelector('.setting .badge.good'));
	say((await of('LOG_DAYS').textContent()).includes('set here') && (await of('LOG_DAYS').textContent()).includes('app.yml: 20'), 'set here, over app.yml');
	await shot(page, 'settings-saved');
	await press('Reset LOG_DAYS');
	await page.waitForFunction(() => [...document.querySelectorAll('.setting')].some((s) => s.textContent.includes('LOG_DAYS') && !s.textContent.includes('set here')));
	say(await page.getByLabel('LOG_DAYS', { exact: true }).inputValue() === '20', 'reset');
	say(await page.getByLabel('ALLOW_ANONYMOUS', { exact: true }).isDisabled(), 'what is in app.yml alone cannot be set');
	await page.getByLabel('Find').fill('sign of life');
	say(await page.locator('.setting').count() === 1, 'found by what it means');
	await page.getByLabel('KEEPALIVE', { exact: true }).fill(evil);
	await press('Save');
	await page.locator('.setting .error').waitFor();
	say(await page.evaluate(() => !window.hacked && !document.querySelector('#page img')), 'markup is text in an error');
});

await step('the server goes', async () => {
	await page.goto(`${BASE}/#/dashboard`);
	await page.goto(`${BASE}/#/settings`);
	await page.waitForSelector('.setting');
	await page.getByLabel('KEEPALIVE', { exact: true }).fill('31s');
	await please('stop admind');
	await press('Save');
	await page.waitForSelector('#page [role=alert]');
	say((await page.locator('#page [role=alert]').textContent()).includes('does not answer') && await page.getByLabel('KEEPALIVE', { exact: true }).inputValue() === '31s', 'gone: it says so, and keeps what was written');
	await please('start admind');
	await page.waitForFunction(async () => (await fetch('healthz').catch(() => ({ ok: false }))).ok, null, { polling: 500, timeout: 15000 });
	await press('Save');
	await toast('Saved.');
	say(true, 'and back: saved');
});

await step('a viewer', async () => {
	await call('POST', '/users', { name: 'looker', password: 'just looking', role: 'viewer' });
	await press('Log out');
	await page.getByLabel('Name').fill('looker');
	await page.getByLabel('Password').fill('just looking');
	await press('Log in');
	await page.waitForSelector('.side');
	await page.goto(`${BASE}/#/revisions?open=4`);
	await page.waitForSelector('dialog[open] dl');
	say(await page.getByRole('button', { name: 'Undo this change' }).count() === 0 && await page.getByRole('button', { name: 'Export' }).count() === 0, 'is offered nothing that he may not');
	await page.goto(`${BASE}/#/settings`);
	await page.waitForSelector('.setting');
	say(await page.locator('.setting :is(input, select, textarea):not(:disabled)').count() === 0, 'and sets nothing');
});

await browser.close();
process.exit(0);
