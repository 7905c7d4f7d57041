// /docs of the server at BASE: proxyd's, or admind's where there is a TOKEN.
import { BASE, TOKEN, browser, open, axe, shot, step, say } from './harness.mjs';

const admin = TOKEN !== '';
const page = await open({ locale: 'en-GB' });
const bad = [];
// Swagger UI's head of an operation is a button with others in it.
const library = ['nested-interactive'];

page.on('response', (r) => { if (r.status() >= 400) bad.push(`${r.status()} ${r.url()}`); });

const server = admin ? 'admind' : 'proxyd';
const lightness = (rgb) => Math.max(...rgb.match(/[\d.]+/g).slice(0, 3).map(Number));
const op = (id) => page.locator(`[id$="-${id}"].opblock`);

async function opened(id) {
	await op(id).locator('.opblock-summary-control').click();
	await op(id).locator('.execute').waitFor();
}

// Runs an operation as it stands, and gives what its answer shows. The answer
// of an earlier run stays until the next one comes: it is cleared first, or it
// would be taken for this one's.
async function run(id) {
	const live = op(id).locator('.live-responses-table').first();
	if (await op(id).locator('.btn-clear').count()) {
		await op(id).locator('.btn-clear').click();
		await live.waitFor({ state: 'detached' });
	}
	await op(id).locator('.execute').click();
	await live.waitFor();
	return { status: (await live.locator('.response-col_status').nth(1).textContent()).trim(),
	    body: await live.locator('.response-col_description').nth(1).textContent() };
}

await step('the page', async () => {
	let bytes = 0;
	const cdp = await page.context().newCDPSession(page);
	await cdp.send('Network.enable');
	cdp.on('Network.loadingFinished', (e) => { bytes += e.encodedDataLength; });
	await page.goto(`${BASE}/docs`);
	await page.waitForSelector('.opblock');
	say(bytes < 560 * 1024, 'it comes compressed', `${bytes} bytes`);
	say((await page.locator('h1, h2.title').first().textContent()).includes('proxyd'), 'a title');
	const n = await page.locator('.opblock').count();
	say(n > 20, 'the operations', `${n}`);
	say(await page.locator('.errors-wrapper').count() === 0, 'the document has no error');
	say(bad.length === 0, 'all that it loads is there', bad.join('\n'));
	await axe(page, '/docs', library);
	await shot(page, `docs-${server}`);
});

if (!admin) await step('trying out', async () => {
	await opened('createChatCompletion');
	const r = await run('createChatCompletion');
	say(r.status.startsWith('200'), 'a chat: 200', r.status);
	say(/"content": *"Hello!"/.test(r.body), 'and its answer', r.body);
	await axe(page, 'an operation', library);
	await shot(page, 'docs-try');
	await opened('getModel');
	say((await run('getModel')).body.includes('mock-echo'), 'a model of the list, by its path');
});

if (admin) await step('trying out', async () => {
	await opened('listUsers');
	say((await run('listUsers')).status.startsWith('403'), 'first of all nobody may');
	const r = await page.evaluate(async (token) => {
		const a = await fetch('api/v1/setup', { method: 'POST', headers: { 'Content-Type': 'application/json' },
		    body: JSON.stringify({ token, name: 'root', password: 'correct horse' }) });
		return a.status;
	}, TOKEN);
	say(r === 200, 'logged in');
	const users = await run('listUsers');
	say(users.status.startsWith('200') && users.body.includes('"root"'), 'then the users', users.body);
	await opened('addTenant');
	const t = await run('addTenant');
	say(t.status.startsWith('200'), 'a tenant is added: the page knows the CSRF token', `${t.status} ${t.body}`);
	await opened('listTenants');
	say((await run('listTenants')).body.includes('team-a'), 'and is there');
});

// As the browser is, and as was chosen in the web UI of the same address.
await step('dark', async () => {
	const dark = await open({ locale: 'en-GB', colorScheme: 'dark', reducedMotion: 'reduce' });
	const ground = () => dark.evaluate(() => getComputedStyle(document.body).backgroundColor);

	await dark.goto(`${BASE}/docs`);
	await dark.waitForSelector('.opblock');
	say(lightness(await ground()) < 60, 'a dark ground', await ground());
	await axe(dark, '/docs, dark', library);
	await shot(dark, `docs-${server}-dark`);
	// One of each method.
	for (const method of ['get', 'post', 'put', 'patch', 'delete'])
		for (const c of (await dark.locator(`.opblock-${method} .opblock-summary-control`).all()).slice(0, 1)) {
			await c.click();
			await dark.locator(`.opblock-${method} .responses-wrapper`).first().waitFor();
		}
	await axe(dark, 'operations, dark', library);
	await dark.emulateMedia({ colorScheme: 'light' });
	await dark.waitForFunction(() => !document.documentElement.classList.contains('dark-mode'));
	say(lightness(await ground()) > 200, 'light as the system turns light', await ground());
	await axe(dark, 'operations, light', library);
	await dark.evaluate(() => localStorage.setItem('theme', 'dark'));
	await dark.reload();
	await dark.waitForSelector('.opblock');
	say(lightness(await ground()) < 60, 'the choice goes before the system', await ground());
	await dark.context().close();
});

await step('on a phone', async () => {
	const phone = await open({ locale: 'en-GB', viewport: { width: 390, height: 800 }, colorScheme: 'dark', reducedMotion: 'reduce' });

	await phone.goto(`${BASE}/docs`);
	await phone.waitForSelector('.opblock');
	const wide = () => phone.evaluate(() => document.documentElement.scrollWidth);
	say(await wide() <= 390, 'nothing stands out to the side', `${await wide()}`);
	await shot(phone, `docs-${server}-phone`);
	for (const c of (await phone.locator('.opblock-summary-control').all()).slice(0, 4))
		await c.click();
	await phone.locator('.opblock-body .responses-wrapper').first().waitFor();
	say(await wide() <= 390, 'nor of an operation that is open', `${await wide()}`);
	await shot(phone, `docs-${server}-phone-open`);
	await phone.context().close();
});

await browser.close();
process.exit(0);
