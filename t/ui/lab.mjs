// The pages to try things out, in Chromium.
import { BASE, TOKEN, browser, open, axe, settled, shot, step, say, please } from './harness.mjs';

const { PROXYD } = process.env;
const evil = '<img src=x onerror=window.hacked=1><script>hacked=1</script>';
const page = await open({ locale: 'en-GB' });
const lang = (l) => page.getByRole('button', { name: l, exact: true }).click();
const theme = lang;
const unhacked = async (name) => say(await page.evaluate(() => !window.hacked && !document.querySelector('#page script, #page img[src=x]')),
    `${name}: markup is text`);

// One page in both languages and themes, and on a phone.
async function looks(name, address, ready) {
	for (const l of ['EN', '中文'])
		for (const th of ['☀', '☾'])
			await step(`${name} ${l} ${th}`, async () => {
				await page.goto(`${BASE}/#/${address}`);
				await lang(l);
				await theme(th);
				await settled(page);
				if (ready)
					await ready();
				await axe(page, `${name} ${l} ${th}`);
				await shot(page, `${name}-${l === 'EN' ? 'en' : 'zh'}-${th === '☀' ? 'light' : 'dark'}`);
				if (l === '中文') {
					const missing = await page.evaluate(() => [...(window.untranslated || [])]);
					say(missing.length === 0, `${name}: all of it in Chinese`, missing.join('\n'));
				}
			});
	await step(`${name} on a phone`, async () => {
		await page.setViewportSize({ width: 390, height: 800 });
		await settled(page);
		const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
		say(wide <= 0, `${name}: fits a phone`, `${wide} px too wide`);
		await shot(page, `${name}-phone`);
		if (await page.locator('dialog[open]').count())
			await page.keyboard.press('Escape');
		await page.setViewportSize({ width: 1360, height: 900 });
		await lang('EN');
		await theme('☀');
	});
}

await step('set-up', async () => {
	await page.goto(`${BASE}/#setup=${TOKEN}`);
	await page.getByLabel('Name').fill('root');
	await page.getByLabel('Password').fill('correct horse');
	await page.getByRole('button', { name: 'Set up' }).click();
	await page.waitForSelector('.tile');
});

// --- translation lab -----------------------------------------------------------------

const panel = (title) => page.locator('.panel', { has: page.getByRole('heading', { name: title, exact: true }) });

await looks('lab', 'lab', () => page.waitForSelector('.lab pre'));
await step('translation lab', async () => {
	await page.goto(`${BASE}/#/lab`);
	await page.waitForSelector('.lab pre');
	say(await page.locator('.lab pre').count() === 3, 'the other three');
	say((await panel('OpenAI Chat').locator('.losses').textContent()).includes('top_k'), 'and what is lost');
	for (const d of ['OpenAI Chat', 'OpenAI Responses', 'Anthropic Messages', 'Gemini'])
		for (const k of ['Request', 'Answer', 'Stream']) {
			await page.getByRole('button', { name: d, exact: true }).click();
			await page.getByRole('button', { name: k, exact: true }).click();
			await page.getByRole('button', { name: 'Sample', exact: true }).click();
			await page.waitForFunction((t) => [...document.querySelectorAll('.lab h2')].map((h) => h.textContent).join('|').startsWith(t) &&
			    document.querySelectorAll('.lab pre').length === 3, d);
			await page.waitForTimeout(400);
			say(await page.locator('.lab .banner').count() === 0 && await page.locator('.lab pre').count() === 3, `sample: ${d}, ${k}`,
			    (await page.locator('.lab .banner').allTextContents()).join('\n'));
		}
	await page.getByLabel('as a stream').check();
	await page.waitForFunction(() => [...document.querySelectorAll('.lab pre')].every((p) => /^(event|data):/.test(p.textContent)));
	say(true, 'a stream as streams');
	await shot(page, 'lab-stream');
	const area = page.getByLabel('Text to translate');
	await page.getByRole('button', { name: 'Request', exact: true }).click();
	await area.fill('{\n "ä": [1,\n }');
	await page.waitForSelector('#lab-bad');
	say((await page.locator('#lab-bad').textContent()).startsWith('Line 3, column 2:'), 'an error with its place', await page.locator('#lab-bad').textContent());
	await page.getByRole('button', { name: 'Go there' }).click();
	say(await area.evaluate((a) => a === document.activeElement && a.value[a.selectionStart] === '}'), 'which is shown');
	await shot(page, 'lab-error');
	await page.getByRole('button', { name: 'Anthropic Messages', exact: true }).click();
	await area.fill(JSON.stringify({ model: evil, max_tokens: 9, [evil]: evil, messages: [{ role: 'user', content: evil }] }));
	await page.waitForSelector('.lab pre');
	await page.waitForFunction(() => document.querySelector('.lab .panel:nth-child(2)').textContent.includes('onerror'));
	await unhacked('lab');
	await area.fill('');
	await page.waitForSelector('.lab .empty');
	await page.getByRole('button', { name: 'Sample', exact: true }).focus();
	await page.keyboard.press('Enter');
	await page.waitForSelector('.lab pre');
	say(true, 'by keyboard');
});

// --- playground ------------------------------------------------------------------------

const say2 = async (text) => {
	await page.getByLabel('Message').fill(text);
	await page.keyboard.press('Enter');
};
const turn = (n) => page.locator('.turn').nth(n);
const model = (m) => page.locator('input[list=play-models]').fill(m);
// A new one: two addresses in a row may be one to the page.
const playground = async (query) => {
	await page.goto(`${BASE}/#/lab`);
	await page.waitForSelector('.lab');
	await page.goto(`${BASE}/#/playground?${query}`);
	await page.waitForSelector('.composer');
};
const finished = () => page.waitForSelector('button:has-text("Send"), button:has-text("发送")');

await looks('playground', 'playground', async () => {
	await page.locator('input[list=play-models]').fill('mock-echo');
	await page.locator('.composer textarea').fill('hello there');
	await page.keyboard.press('Enter');
	await page.waitForSelector('.turn.assistant .said');
	await finished();
	await page.waitForSelector('dd:has-text("mock-echo")');
});
for (const d of ['openai-chat', 'openai-responses', 'anthropic', 'gemini'])
	for (const stream of [true, false])
		await step(`playground ${d} ${stream ? 'streamed' : 'whole'}`, async () => {
			await playground(`dialect=${d}&model=mock-echo`);
			await page.getByLabel('as a stream').setChecked(stream);
			await page.getByLabel('System prompt').fill('be brief');
			await say2('hello again');
			await page.waitForSelector('.turn.assistant .said');
			await finished();
			say((await turn(1).locator('.said').textContent()).includes('hello again'), `${d}: answered`, await turn(1).textContent());
			await page.waitForSelector('dd:has-text("mock · mock-echo")');
			say(await page.locator('ol.frames li').count() >= 1, `${d}: frames are shown`);
			await say2('a second turn');
			await page.waitForFunction(() => document.querySelectorAll('.turn.assistant').length === 2);
			await finished();
			say((await turn(3).locator('.said').textContent()).includes('a second turn'), `${d}: and goes on`, await turn(3).textContent());
			await playground(`dialect=${d}&model=mock-tool`);
			await page.getByLabel('as a stream').setChecked(stream);
			await page.locator('summary', { hasText: 'Tools' }).click();
			await page.locator('details[open]').getByRole('button', { name: 'Sample' }).click();
			await say2('what is the weather?');
			await page.waitForSelector('.card.call textarea');
			say((await page.locator('.card.call').first().textContent()).includes('weather'), `${d}: a call`, await turn(1).textContent());
			await page.locator('.card.call textarea').first().fill('rain');
			if (d === 'anthropic' && stream)
				await shot(page, 'playground-tools');
			await page.getByRole('button', { name: 'Answer the calls' }).click();
			await page.waitForFunction(() => document.querySelectorAll('.turn.tool').length === 1 && document.querySelectorAll('.turn.assistant').length === 2);
			await finished();
			say(await page.locator('.turn .banner').count() === 0, `${d}: the answer to it was taken`, (await page.locator('.turn .banner').allTextContents()).join());
		});
await step('playground: an address', async () => {
	await playground('model=mock-tool');
	await page.goto(`${BASE}/#/playground?model=mock-echo&dialect=gemini&target=mock/mock-echo`);
	await page.waitForFunction(() => document.querySelector('input[list=play-models]').value === 'mock-echo');
	say(await page.getByLabel('Dialect').inputValue() === 'gemini' && await page.getByLabel('Target').inputValue() === 'mock/mock-echo', 'is followed where the page stands');
});
await step('playground: images, stop, errors', async () => {
	await playground('model=mock-echo');
	const dot = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg==', 'base64');
	await page.locator('input[type=file]').setInputFiles({ name: `${evil}.png`, mimeType: 'image/png', buffer: dot });
	await page.waitForSelector('.composer .thumb');
	await page.locator('input[type=file]').setInputFiles({ name: 'x.txt', mimeType: 'text/plain', buffer: Buffer.from('x') });
	await page.waitForSelector('.composer [role=alert]');
	say(true, 'only images are taken');
	await say2(evil);
	await page.waitForSelector('.turn.assistant .said');
	await finished();
	say(await page.locator('.turn.user .thumb').evaluate((i) => i.naturalWidth) === 1, 'an image is attached and shown');
	await unhacked('playground');
	await page.getByRole('button', { name: 'Request', exact: true }).click();
	say((await page.locator('pre[aria-label=Request]').textContent()).includes('data:image/png;base64,'), 'and sent');
	await unhacked('raw request');
	await model('mock-slow');
	await say2('take your time');
	await page.getByRole('button', { name: 'Stop' }).click();
	await page.waitForSelector('.turn .banner:has-text("stopped")');
	say(true, 'it can be stopped');
	await model('mock-500');
	await say2('break');
	await page.waitForSelector('.turn .banner:not(.warn)');
	await shot(page, 'playground-error');
	await page.locator('summary', { hasText: 'More parameters' }).click();
	await page.getByLabel('Members of the body, as JSON').fill('[');
	say(await page.locator('details .error').count() === 1, 'what is no JSON is told at its field');
	await page.getByLabel('Target').fill('nobody/x');
	await page.getByLabel('Members of the body, as JSON').fill('{"seed": 7}');
	await say2('where to');
	await page.waitForSelector('.turn .banner:has-text("no provider")');
	say(true, 'an unknown target is told');
});

// --- connect -----------------------------------------------------------------------------

await looks('connect', 'connect');
await step('connect', async () => {
	await page.goto(`${BASE}/#/connect`);
	await page.waitForSelector('pre');
	say(await page.locator('.clients .light.good').count() === 0, 'nothing has come yet');
	const text = () => page.locator('.connect pre').allTextContents().then((l) => l.join('\n'));
	say((await text()).includes(`ANTHROPIC_BASE_URL=${PROXYD}\n`), 'this server’s address', await text());
	await page.locator('input[list=connect-models]').fill('mock-echo');
	say((await text()).includes('anything'), 'no key is needed yet');
	await please('claude asks');
	await page.waitForSelector('.clients button[aria-pressed=true] .light.good');
	say((await page.locator('[role=status]', { hasText: 'It works' }).textContent()).includes('mock-echo'), 'green at the first request');
	await page.getByLabel('Name of a new client key').fill(evil);
	await page.getByRole('button', { name: 'Make a client key' }).click();
	await page.waitForSelector('.badge:has-text("new")');
	await unhacked('connect');
	const key = (await text()).match(/sk-proxy-\w+/)[0];
	await please(`key ${key}`);
	for (const [name, want] of [['Codex', 'wire_api = "responses"'], ['Gemini CLI', 'GOOGLE_GEMINI_BASE_URL'], ['Cursor', `${PROXYD}/v1`], ['OpenCode', '"baseURL"'],
	    ['Python', 'from openai import'], ['JavaScript', 'new OpenAI'], ['curl', 'Authorization: Bearer']]) {
		await page.locator('.clients').getByRole('button', { name }).click();
		const now = await text();
		say(now.includes(want) && now.includes(key) && now.includes(PROXYD.slice(7)), `${name}: address, key and all`, now);
		if (name === 'Codex')
			await shot(page, 'connect-codex');
	}
	for (const d of ['OpenAI Chat', 'OpenAI Responses', 'Anthropic Messages', 'Gemini']) {
		await page.getByRole('button', { name: d, exact: true }).click();
		await please(`run ${await text()}`);
		await page.waitForTimeout(50);
	}
	await page.waitForSelector('.clients button[aria-pressed=true] .light.good');
	say(true, 'curl as it stands there works, in each dialect');
	await please('codex is refused');
	await page.waitForSelector('.clients button:has-text("Codex") .light.bad');
	await page.locator('.clients').getByRole('button', { name: 'Codex' }).click();
	say((await page.locator('[role=status]', { hasText: 'It came' }).textContent()).includes('401'), 'red, and why');
	await page.locator('input[list=connect-models]').fill("it's");
	say((await text()).includes('model = "it\'s"'), 'what is typed is quoted');
	await page.locator('.clients').getByRole('button', { name: 'Claude' }).click();
	say((await text()).includes("ANTHROPIC_MODEL='it'\\''s'"), 'for the shell, too', await text());
	await page.reload();
	await page.waitForSelector('pre');
	say(!(await text()).includes(key), 'a key is shown once');
});

// --- live ----------------------------------------------------------------------------------

await step('live', async () => {
	await page.goto(`${BASE}/#/live`);
	await page.waitForSelector('.empty');
	await please('a slow one');
	await page.waitForSelector('button.danger');
	const row = page.locator('tr', { has: page.locator('button.danger') }).first();
	say((await row.textContent()).includes('<img src=x'), 'shown while it runs');
	await unhacked('live');
});
await looks('live', 'live', () => page.waitForSelector('button.danger'));
await step('live: cancel', async () => {
	await page.locator('button.danger').first().click();
	say((await page.locator('dialog[open]').textContent()).includes('never-ends'), 'what is ended is named');
	await axe(page, 'live dialog');
	await page.locator('dialog[open] button.danger').click();
	await page.waitForSelector('button.danger', { state: 'detached' });
	say(true, 'and it ends');
	await please('it was ended');
});

// --- one request of the log ---------------------------------------------------------------

const openRow = async (text) => {
	await page.goto(`${BASE}/#/logs`);
	await page.locator('tr.click', { hasText: text }).first().click();
	await page.waitForSelector('dialog[open] dl');
};
await please('two dialects');
await looks('sheet', 'logs', async () => {
	await openRow('told-anew');
	await page.waitForSelector('dialog[open] .diff, dialog[open] .good');
});
await step('one request', async () => {
	await openRow('told-anew');
	const sheet = page.locator('dialog[open]');
	await sheet.locator('.diff').waitFor();
	say((await sheet.locator('.diff').first().textContent()).includes('top_k'), 'what a translation changed', await sheet.locator('.diff').first().textContent());
	await unhacked('sheet');
	await sheet.getByRole('button', { name: 'Answer', exact: true }).click();
	// The request's differences stand until the answer's are there.
	await sheet.locator('p.good').waitFor({ timeout: 10000 }).catch(() => {});
	say(await sheet.locator('p.good').count() === 1, 'the answer says the same', await sheet.locator('.diff').allTextContents().then((l) => l.join()));
	say(await sheet.locator('ol.frames li').count() > 1, 'the stream has its time line');
	await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: BASE });
	for (const d of ['openai-chat', 'openai-responses', 'anthropic', 'gemini']) {
		await sheet.getByLabel('Dialect').selectOption(d);
		await sheet.getByRole('button', { name: 'Copy as curl' }).click();
		await page.waitForSelector('.toast');
		await page.waitForTimeout(150);
		await please(`told ${await page.evaluate(() => navigator.clipboard.readText())}`);
	}
	await sheet.getByLabel('Target').fill('answers/other');
	await sheet.getByRole('button', { name: 'Send it again' }).click();
	await sheet.getByRole('heading', { name: 'Now' }).waitFor();
	await sheet.locator('dd:has-text("answers · other")').waitFor();
	say(await sheet.locator('.card.said').count() === 2, 'sent again, both answers side by side');
	await sheet.getByRole('heading', { name: 'Now' }).scrollIntoViewIfNeeded();
	await shot(page, 'sheet-replay');
	await axe(page, 'a replay');
	await sheet.getByLabel('Target').fill('nobody/x');
	await sheet.getByRole('button', { name: 'Send it again' }).click();
	await sheet.locator('.card.said:has-text("no provider")').waitFor();
	say(true, 'a target that is none is told');
});

// --- by keyboard, and as one who may only look ---------------------------------------------------

await step('keyboard', async () => {
	await page.goto(`${BASE}/#/lab`);
	await page.goto(`${BASE}/#/playground`);
	await settled(page);
	await page.locator('.composer textarea').focus();
	let seen = 0;
	for (let i = 0; i < 12; i++) {
		await page.keyboard.press('Tab');
		seen += await page.evaluate(() => {
			const e = document.activeElement.matches('input[type=file]') ? document.activeElement.parentElement : document.activeElement;
			const s = getComputedStyle(e);
			return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 ? 1 : 0;
		});
	}
	say(seen >= 11, 'where the focus is can be seen', `${seen} of 12`);
	await page.goto(`${BASE}/#/connect`);
	await page.locator('.clients button').first().focus();
	await page.keyboard.press('Tab');
	await page.keyboard.press('Enter');
	say(await page.locator('.clients button').nth(1).getAttribute('aria-pressed') === 'true', 'a program is chosen by keyboard');
});
await step('a viewer', async () => {
	await page.goto(`${BASE}/#/users`);
	await page.getByRole('button', { name: 'Add a user' }).click();
	const form = page.locator('dialog[open]');
	await form.getByLabel('Name').fill('guest');
	await form.getByLabel('Password').fill('just looking');
	await form.getByLabel('Role').selectOption('viewer');
	await form.getByRole('button', { name: 'Save' }).click();
	await page.waitForSelector('td:has-text("guest")');
	const guest = await open({ locale: 'en-GB' });
	await guest.goto(BASE);
	await guest.getByLabel('Name').fill('guest');
	await guest.getByLabel('Password').fill('just looking');
	await guest.getByRole('button', { name: 'Log in' }).click();
	await guest.waitForSelector('.side a');
	const names = await guest.locator('.side a').allTextContents();
	say(!names.includes('Playground') && names.includes('Translation lab') && names.includes('Connect'), 'sends nothing', names.join(' '));
	await guest.goto(`${BASE}/#/connect`);
	await guest.waitForSelector('pre');
	say(await guest.getByRole('button', { name: 'Make a client key' }).count() === 0, 'makes no key');
	await guest.goto(`${BASE}/#/lab`);
	await guest.waitForSelector('.lab pre');
	await guest.goto(`${BASE}/#/logs`);
	await guest.locator('tr.click', { hasText: 'told-anew' }).first().click();
	await guest.waitForSelector('dialog[open] dl');
	await guest.getByRole('button', { name: 'Copy as curl' }).waitFor();
	say(await guest.getByRole('button', { name: 'Send it again' }).count() === 0, 'repeats none');
	await guest.context().close();
});

// --- proxyd goes and comes --------------------------------------------------------------------

await step('proxyd gone', async () => {
	await please('stop proxyd');
	for (const [name, sign] of [['live', '.banner'], ['connect', '.banner'], ['playground', '.banner'], ['lab', '.lab pre']]) {
		await page.goto(`${BASE}/#/${name}`);
		await page.waitForSelector(sign, { timeout: 15000 });
		say(true, `${name}: says so, or goes on`);
	}
	await page.goto(`${BASE}/#/playground`);
	await page.locator('.composer textarea').fill('anybody?');
	await page.keyboard.press('Enter');
	await page.waitForSelector('.turn .banner:has-text("does not run")');
	await shot(page, 'playground-gone');
	await please('start proxyd');
	await page.locator('input[list=play-models]').fill('mock-echo');
	await page.getByRole('button', { name: 'Once more' }).click();
	await page.waitForSelector('.turn.assistant .said');
	say(true, 'and back: once more, and it answers');
});

await browser.close();
process.exit(0);
