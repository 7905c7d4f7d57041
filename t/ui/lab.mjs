// The pages to try things out, in Chromium.
import { BASE, TOKEN, browser, open, axe, settled, shot, step, say, please } from './harness.mjs';

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

await browser.close();
process.exit(0);
