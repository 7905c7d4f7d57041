import { said } from './said.js';

// What the server's problems say, in Chinese: its texts, {} for what stands in
// them.  t/79-problems.t holds them to the sources.  What is not here is shown
// as it came.
export const problems = {
	// --- whoever asks
	'log in, or send an API token as \'Authorization: Bearer ...\'': '请登录，或以“Authorization: Bearer ...”发送 API 令牌',
	'this API token is not known, or has expired': 'API 令牌无效或已过期',
	'no administrator is set up yet: open the link that \'proxyctl start\' and \'proxyctl status\' show': '尚未设置管理员：请打开 proxyctl start 或 proxyctl status 显示的链接',
	'is not the one of the link that \'proxyctl start\' and \'proxyctl status\' show': '与 proxyctl start、proxyctl status 显示的链接中的不一致',
	'the set-up is done: log in': '设置已完成：请登录', 'wrong name or password': '用户名或密码错误',
	'too many tries: wait {} seconds': '尝试次数过多：请等待 {} 秒', '\'{}\' may look, but not change anything': '“{}”只能查看，不能修改',
	'the X-CSRF-Token header is missing or old: load the page again': 'X-CSRF-Token 缺失或已失效：请重新加载页面',
	'requests of other sites are not served': '不受理来自其他站点的请求', '\'{}\' is the last administrator who can log in': '“{}”是最后一位能登录的管理员',
	// --- the request
	'the body is not valid JSON: {}, line {}, column {}': '正文不是有效的 JSON：{}，第 {} 行第 {} 列', 'the body must be a JSON object': '正文必须是 JSON 对象',
	'the body must be JSON, and its Content-Type application/json': '正文必须是 JSON，Content-Type 必须是 application/json',
	'{} is not offered here; {} is': '此处不支持 {}，支持 {}', 'there is no \'{}\'': '“{}”不存在', 'it is another version': '版本不同',
	'If-Match or If-None-Match is there twice': 'If-Match 或 If-None-Match 出现了两次',
	'this {} has been changed meanwhile: read it again, and change it then': '此{}已被他人修改：请重新读取后再改', 'this {} has been deleted meanwhile': '此{}已被他人删除',
	'there is such a {} already': '该{}已存在', 'there is one like it already': '已有相同的一项',
	// --- members
	'is missing': '不能缺少', 'must be given': '必须填写', 'is taken': '已被占用', 'there is no such member': '没有这个字段',
	'unknown member of a {}: allowed are {}': '{}没有这个字段，可用：{}', 'unknown member \'{}\': allowed are {}': '未知字段“{}”，可用：{}', 'a member stands there twice': '有字段重复',
	'must be a string': '必须是字符串', 'must be true or false': '必须是 true 或 false', 'must be a whole number from {} to {}': '必须是 {} 到 {} 的整数',
	'must not hold U+0000': '不能包含 U+0000', 'must not hold a NUL': '不能包含 NUL', 'must not hold control characters': '不能包含控制字符',
	'must be from {} to {}, not {}': '必须在 {} 到 {} 之间，不能是 {}', 'is not valid UTF-8, percent-encoded': '不是有效的百分号编码 UTF-8', 'must be valid UTF-8': '必须是有效的 UTF-8',
	'must be 1 to {} bytes of text without control characters, or spaces at its ends': '必须是 1 到 {} 字节、不含控制字符且首尾无空格的文本', 'must be at most {} bytes of text without control characters': '必须是不超过 {} 字节、不含控制字符的文本',
	'must be at most 32 bytes of text': '最多 32 字节文本', 'must be at most 255 bytes of text': '最多 255 字节文本', 'must have {} to {} bytes': '长度必须为 {} 到 {} 字节',
	'expected {} to {} bytes, got {}': '应为 {} 到 {} 字节，实际 {}', 'expected 1 to {} bytes': '应为 1 到 {} 字节', 'expected 1 to {} bytes, got {}': '应为 1 到 {} 字节，实际 {}',
	'expected a string': '应为字符串', 'expected a string, got {}': '应为字符串，实际是{}', 'expected true or false': '应为 true 或 false', 'expected true or false, got {}': '应为 true 或 false，实际是{}',
	'expected a whole number from {} to {}': '应为 {} 到 {} 的整数', 'expected a whole number from {} to {}, got {}': '应为 {} 到 {} 的整数，实际是 {}',
	'expected an object, got {}': '应为对象，实际是{}', 'expected a JSON object, got {}': '应为 JSON 对象，实际是{}', 'no valid JSON: {} at byte {}': 'JSON 无效：第 {1} 字节处 {0}',
	'the object is larger than {} bytes': '对象超过 {} 字节', '\'{}\' is none of {}': '“{}”不在可选值之中：{}', '\'{}\' must be a text': '“{}”必须是文本', '\'{}\' is there twice': '“{}”重复',
	'\'{}\' is no name: expected {} to {} letters, digits, \'.\', \'_\', \':\', \'/\', \'@\' or \'-\'': '“{}”不是有效名称：应为 {} 到 {} 个字母、数字或 . _ : / @ -',
	'must be 1 to 64 characters: letters, digits, \'.\', \'-\', \'_\' or \'@\'': '必须是 1 到 64 个字符：字母、数字或 . - _ @',
	'must have 10 characters or more': '至少 10 个字符', 'must have 256 bytes or fewer': '最多 256 字节', 'must be admin or viewer': '必须是 admin 或 viewer',
	'cannot be changed: delete it and make another one': '不可修改：请删除后重新创建', 'comes from app.yml: change it there': '来自 app.yml：请在那里修改',
	'it comes from app.yml: take it out there': '来自 app.yml：请在那里移除', 'it is built in': '内置项，不可删除', 'is set in app.yml alone': '只能在 app.yml 中设置', 'there is no such setting': '没有这样的设置',
	'must be a text as in app.yml, or null to reset it': '必须是 app.yml 中的写法，或用 null 重置',
	// --- what is not there, or used
	'there is no {} {}': '{} {} 不存在', 'there is no such {}': '该{}不存在', 'there is no client key {}': '客户端密钥 {} 不存在', 'there is no tenant {}': '租户 {} 不存在', 'there is no tenant \'{}\'': '租户“{}”不存在',
	'there is no price {}': '价格 {} 不存在', 'there is no user {}': '用户 {} 不存在', 'there is no revision {}': '修订 {} 不存在', 'there is no provider \'{}\'': '提供商“{}”不存在', 'there is no dialect \'{}\'': '协议“{}”不存在',
	'there is no such provider': '没有这样的提供商', 'there is no such token': '该令牌不存在', 'there is no such user': '该用户不存在', 'is no tenant\'s: {}': '不是租户的编号：{}', 'provider \'{}\' has no pool \'{}\'': '提供商“{}”没有密钥池“{}”',
	'is another tenant\'s': '已被其他租户使用', 'is another client key\'s': '已被其他客户端密钥使用', 'no request \'{}\' is in the log': '日志中没有请求“{}”',
	'is one too many: there are {} client keys, or were since proxyd started': '超出上限：已有（或自启动以来有过）{} 个客户端密钥', 'is one too many: there are {} tenants, or were since proxyd started': '超出上限：已有（或自启动以来有过）{} 个租户',
	'a model, pool, rule or key uses it': '有模型、密钥池、规则或密钥正在使用它', 'a model or rule uses it': '有模型或规则正在使用它', 'a pool has it': '它在某个密钥池中',
	// --- models, rules, pools, keys, providers
	'\'{}\' is none of transformer, direct, or empty for the setting MODE': '“{}”无效：应为 transformer、direct，或留空以采用设置 MODE',
	'must not hold spaces, controls or letters outside ASCII': '不能包含空格、控制字符或非 ASCII 字母', 'must be at most {} lines': '最多 {} 行', 
	'expected ids of keys of provider \'{}\', each once': '应为提供商“{}”的密钥编号，每个一次', 'expected ids: whole numbers from 1': '应为编号：从 1 开始的整数', 'expected an array of at most 1024 ids': '应为最多 1024 个编号的列表',
	'expected the ids of all rules, each once; they may have changed just now': '应为所有规则的编号，每个一次；规则可能刚被修改', 'must be the ids of all rules, in their new order': '必须是所有规则的编号，按新的顺序',
	'expected an object of at most {} headers and their values': '应为最多 {} 个请求头及其值', 'expected a text as the value of \'{}\', got {}': '“{}”的值应为文本，实际是{}', 'the value of \'{}\' holds a control character': '“{}”的值含有控制字符',
	'the value of \'{}\' must have 1 to {} bytes': '“{}”的值必须为 1 到 {} 字节', 'the value of {} is as it is shown, not as it is: give the whole value': '{} 的值是遮盖后的样子：请填写完整的值', 'the proxy is as it is shown, not as it is: give the whole value': '代理是遮盖后的样子：请填写完整的值',
	'\'{}\' is a header that the gateway sets itself': '“{}”由网关自行设置', '\'{}\' is no name of a header': '“{}”不是有效的请求头名称', 'cannot be sealed: there is no secret.key': '无法加密：没有 secret.key',
	'the URL {}; expected http(s)://host[:port][/path]': 'URL 无效（{}）；应为 http(s)://host[:port][/path]', 'expected a proxy such as http://host:port or socks5h://user:password@host:port': '应为代理地址，如 http://host:port 或 socks5h://user:password@host:port',
	'expected a text with {key} in it once, such as \'Bearer {key}\'': '应为恰含一次 {key} 的文本，如“Bearer {key}”',
	'unknown dialect \'{}\', did you mean \'{}\'?': '未知协议“{}”，是否指“{}”？', 'unknown dialect \'{}\': expected openai-chat, openai-responses, anthropic or gemini': '未知协议“{}”：应为 openai-chat、openai-responses、anthropic 或 gemini',
	'expected 1 to {} targets, got {}': '应有 1 到 {} 个目标，实际 {}', 'expected an array of targets, got {}': '应为目标列表，实际是{}', 'expected an array of strings, got {}': '应为字符串列表，实际是{}', 'expected at most {} entries, got {}': '最多 {} 项，实际 {}',
	'a pool needs its provider': '指定密钥池时必须指定提供商', 'a parameter stands there twice': '有参数重复', '{}: expected a number from {} to {}': '{}：应为 {} 到 {} 的数', '{}: expected a whole number': '{}：应为整数', 'unknown parameter \'{}\': allowed are {}': '未知参数“{}”，可用：{}',
	'needs any or all': '需要 any 或 all', 'needs from and to both': 'from 与 to 必须同时填写', 'nothing is above {} and below {}': '没有既大于 {} 又小于 {} 的值', 'more than {} headers': '超过 {} 个请求头', 'expected a time from 00:00 to 23:59': '应为 00:00 到 23:59 的时间',
	'expected user, system or both': '应为 user、system 或 both', 'unknown \'{}\': expected image, audio, video, document, tools, thinking or schema': '未知“{}”：应为 image、audio、video、document、tools、thinking 或 schema',
	'unknown day \'{}\': expected sun, mon, tue, wed, thu, fri or sat': '未知的日子“{}”：应为 sun、mon、tue、wed、thu、fri 或 sat',
	// --- settings
	'expected true or false, not \'{}\'': '应为 true 或 false，不能是“{}”', 'expected a whole number from {} to {}, not \'{}\'': '应为 {} 到 {} 的整数，不能是“{}”', 'expected a size from {} to {} bytes, such as 32MiB, not \'{}\'': '应为 {} 到 {} 字节的大小，如 32MiB，不能是“{}”',
	'expected a duration from {}ms to {}s, such as 500ms, 10s or 2m, not \'{}\'': '应为 {} 毫秒到 {} 秒的时长，如 500ms、10s、2m，不能是“{}”', 'expected transformer or direct, not \'{}\'': '应为 transformer 或 direct，不能是“{}”',
	'expected none, errors or all': '应为 none、errors 或 all', 'expected pass, map, drop or refuse': '应为 pass、map、drop 或 refuse', 'longer than {} bytes': '超过 {} 字节', 'expected a text': '应为文本',
	// --- tenants, client keys, prices
	'must be an amount of dollars, 0 or more, or null': '必须是不小于 0 的美元金额，或 null', 'must be an amount of dollars a million tokens, at most 1000000': '必须是每百万 Token 的美元金额，最多 1000000', 'must be a name, perhaps with \'*\', of 1 to 255 bytes': '必须是 1 到 255 字节的名称，可含 *',
	'must be a provider\'s name, or empty for any': '必须是提供商名称，留空表示任意', 'must be a list of patterns such as "claude-*"': '必须是模式列表，如 "claude-*"',
	// --- what is asked for
	'must be a number such as 429, a class such as 4xx, or error': '必须是 429 之类的数字、4xx 之类的类别，或 error', 'must be csv or jsonl': '必须是 csv 或 jsonl', 'is not one that a page gave': '不是分页给出的值', 'must be before \'to\'': '必须早于 to',
	'must be minute, hour or day': '必须是 minute、hour 或 day', 'must be all, model, provider, key, tenant, client_key or attempts': '必须是 all、model、provider、key、tenant、client_key 或 attempts', 'must be request, response or stream': '必须是 request、response 或 stream', 'must be the id of a key': '必须是密钥的编号',
	'must be the request\'s body, an object': '必须是请求正文（对象）', 'must be an object of at most {} texts': '必须是最多 {} 个文本的对象', 'must be what an export gave, a JSON object': '必须是导出得到的 JSON 对象',
	'must be 1 to 256 characters': '必须为 1 到 256 个字符', 'there is no such member of the query': '查询中没有这个字段',
	'the database is locked by another program; nothing was changed: try again': '数据库被另一个程序锁定；未作任何修改，请重试', '{}; nothing was changed': '{}；未作任何修改', '{}: {}; nothing was changed': '{}：{}；未作任何修改', '{} clients watch already': '已有 {} 个客户端在观察', '{} exports are under way already': '已有 {} 个导出在进行', '{} requests are under way already': '已有 {} 个请求在进行',
	// --- keys
	'the provider answered {}': '提供商返回 {}', 'rate limit': '触发速率限制',
	// --- proxyd
	'proxyd does not run': 'proxyd 未运行', 'proxyd does not run, so nothing can be sent: \'proxyctl start\' starts it': 'proxyd 未运行，无法发送：用 proxyctl start 启动', 'proxyd does not run: no circuit is open now': 'proxyd 未运行：当前没有被暂停的提供商',
	'proxyd broke off: {}': 'proxyd 中断：{}', 'proxyd cannot be asked: {}': '无法询问 proxyd：{}', 'no answer': '没有响应', 'below /api/v1/proxy/ are the paths /v1/... and /v1beta/... of proxyd': '/api/v1/proxy/ 之下是 proxyd 的 /v1/... 与 /v1beta/... 路径',
	'target and path must not hold control characters': '目标与路径不能包含控制字符',
};

// Words that stand in them.
const words = { model: '模型', rule: '规则', pool: '密钥池', key: '密钥', provider: '提供商', tenant: '租户', 'client key': '客户端密钥', price: '价格',
	'price of the operator\'s': '自设价格', user: '用户', 'list of settings': '设置列表', 'a string': '字符串', 'a number': '数字', 'an object': '对象', 'an array': '列表', 'true or false': 'true 或 false', true: 'true', false: 'false', null: 'null',
	requests: '个请求', tokens: '个 Token', day: '每日', month: '每月', total: '总' };

let patterns = null;
const escaped = (s) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

// The longest text of ours that fits goes before one that fits anything. What stands in quotes is a name, and stays.
function compiled() {
	return Object.entries({ ...said, ...problems }).filter(([k]) => k.includes('{}')).sort((a, b) => b[0].length - a[0].length)
		.map(([k, zh]) => [new RegExp(`^${k.split('{}').map(escaped).join('(.*?)')}$`, 's'), zh, k.split('{}').map((before) => before.endsWith('\''))]);
}

const whole = (text) => [problems, said, words].find((o) => Object.hasOwn(o, text));

// Two deep, as an import's problem holds another one.
export function inChinese(text, depth = 2) {
	const table = whole(text);
	if (table)
		return table[text];
	patterns = patterns || compiled();
	for (const [re, zh, named] of depth > 0 ? patterns : []) {
		const m = re.exec(text);
		if (!m)
			continue;
		const args = m.slice(1).map((x, i) => (named[i] ? x : inChinese(x, depth - 1)));
		let i = 0;
		return zh.replace(/\{(\d?)\}/g, (_, n) => args[n === '' ? i++ : Number(n)] ?? '');
	}
	return text;
}

// What the audit log says was done: whole, or a verb and what it was done to.
export const acts = {
	'set up': '初始设置', 'log in': '登录', 'log out': '退出', 'export': '导出', 'import': '导入', 'reprice': '重新计价', 'change settings': '修改设置', 'add several key': '批量添加密钥',
	'add': '添加', 'change': '修改', 'delete': '删除', 'remove': '删除', 'create': '添加', 'update': '修改', 'enable': '启用', 'disable': '禁用', 'order': '排序', 'move': '移动', 'reset': '重置',
	'rotate': '更换', 'set': '设置', 'cancel': '终止', 'send': '发送', 'test': '测试', 'bench': '压测', 'undo': '撤销', 'roll back': '回退', 'POST': '创建', 'PATCH': '修改', 'PUT': '设置', 'DELETE': '删除',
	'user': '用户', 'token': '令牌', 'model': '模型', 'rule': '规则', 'pool': '密钥池', 'key': '密钥', 'provider': '提供商', 'tenant': '租户', 'client key': '客户端密钥', 'price': '价格',
	'request': '请求', 'revision': '修订', 'to revision': '到修订',
};
