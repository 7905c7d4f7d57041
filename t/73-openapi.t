#!/usr/bin/perl

# The OpenAPI documents of both servers: valid, with every route of the code and
# no other, and true of what running servers answer.

use strict;
use warnings;
use utf8;
use Admind;
use Client;
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Gateway;
use IPC::Open2;
use JSON::PP;
use Npm qw(npm_missing npm_install);
use Scripts;
use Test::More;
use Upstream;

my $J = JSON::PP->new->utf8->canonical;
my $dir = $ENV{BUILDDIR} // 'build/opt';
my %json = ('Content-Type' => 'application/json');

# A provider of embeddings; the rest is the mock's.
my $up = Upstream->new(sub {
	my ($req) = @_;

	return [reply => 200, \%json, json_text({ object => 'list', model =>
	    'e', data => [ map { { object => 'embedding', index => $_,
	    embedding => [ 0.5, 1 ] } } 0 .. $#{ [ map { ref ? @$_ : $_ }
	    Upstream::json_of($req)->{input} ] } ], usage => { prompt_tokens =>
	    3, total_tokens => 3 } })];
});
my $base = $up->base;
my $g = Gateway->new(args => ['-w', 1], config => <<"EOT");
LOG_BODIES: all
PROVIDERS:
  openai: { base_url: "$base", keys: ["sk-openapi-test-0001"] }
MODELS:
  - { route_key: gemini-embedding-001, target_model: e, provider: openai }
EOT
my $ad = Admind->new($g->{home}, file => $g->{file});

sub document {
	my ($port) = @_;
	my $r = Client->once($port, GET => '/openapi.json');
	is($r->{status}, 200, '/openapi.json') or BAIL_OUT($r->{body});
	like($r->{headers}{'content-type'}, qr{^application/json}, 'JSON');
	return decode_json($r->{body});
}

my %doc = (proxyd => document($g->port), admind => document($ad->port));

# --- every route, both ways -----------------------------------------------------------

sub slurp {
	my ($file) = @_;
	open my $f, '<', $file or die "$file: $!";
	local $/;
	return scalar <$f>;
}

my (%code, %query);
for (`$dir/t/routes`) {
	my ($server, $method, $path, $role, @more) = split;
	$path =~ s/\.\.\.\}/}/g;
	if ($server eq 'query') {
		$query{"$method $path"} = [ sort grep { $_ ne '*' && $_ ne '' }
		    $role // '', @more ];
		next;
	}
	$code{$server}{"$method $path"} = $role // '';
}
is($?, 0, 'the routes of the code');

# Tables of paths that only files without a header know.
my ($table) = slurp('proxyd/api.c') =~ /api_paths\[\] = \{(.*?)\n\};/s or die;
$code{proxyd}{"GET $_"} = '' for $table =~ /\{ "([^"]+)"/g;
($table) = slurp('admind/main.c') =~ /\} paths\[\] = \{(.*?)\n\};/s or die;
$code{admind}{"GET $_"} = '' for ($table =~ /\{ "([^"]+)"/g), '/', '/docs',
    '/openapi.json';

my %man = map { $_ => 1 } slurp('man/proxyd-api.7') =~
    /^\.It Li ([A-Z]+ \/\S*)$/mg;

for my $server (qw(proxyd admind)) {
	my $paths = $doc{$server}{paths};
	my %said;
	for my $path (keys %$paths) {
		for my $method (grep { $_ ne 'parameters' }
		    keys %{ $paths->{$path} }) {
			$said{uc($method) . " $path"} =
			    $paths->{$path}{$method}{'x-role'} // 'none';
		}
	}
	cmp_ok(keys %{ $code{$server} }, '>', 20, "$server: routes are found");
	for (sort keys %{ $code{$server} }) {
		my ($method, $path) = split;
		ok(exists $said{$_}, "$server: $_ is described") or diag
		    "add to $server/openapi.yaml, under 'paths:', the path " .
		    "'$path' with '" . lc($method) . ":' (operationId, tags, " .
		    'summary, x-role, parameters, requestBody, responses), ' .
		    "and to \%try of $0 how to call it";
		ok($man{$_}, "$server: $_ is in proxyd-api.7") or diag
		    "add '.It Li $_' and a line to man/proxyd-api.7";
		is($said{$_}, $code{$server}{$_}, "$server: $_: x-role") if
		    exists $said{$_} && $code{$server}{$_} ne '';
	}
	for (sort keys %said) {
		ok(exists $code{$server}{$_}, "$server: $_ is in the code")
		    or diag "$server/openapi.yaml describes it, and no table " .
		    'of the code has it';
	}
	is($doc{$server}{info}{version}, slurp('common/base/version.h') =~
	    /PROXYD_VERSION\s+"([^"]+)"/ && $1, "$server: the version");
}

# The members of a query.
for (sort keys %query) {
	my ($method, $path) = split;
	my $at = $doc{admind}{paths}{$path} or next;
	my @said = sort map { $_->{name} } grep { $_->{in} eq 'query' } map {
	    $_->{'$ref'} ? $doc{admind}{components}{parameters}{ $_->{'$ref'} =~
	    s{.*/}{}r } : $_ } @{ $at->{parameters} // [] },
	    @{ $at->{lc $method}{parameters} // [] };
	is_deeply(\@said, $query{$_}, "admind: $_: its query");
}

is_deeply([grep { my $op = $_; !grep { exists $code{$_}{$op} } keys %code }
    sort keys %man], [], 'proxyd-api.7 has no others');

# --- what servers answer ----------------------------------------------------------------

my %lines;
my %good;

# One exchange, for the validator; path as the document has it, {..} by %p.
sub try {
	my ($server, $op, $body, %o) = @_;
	my ($method, $path) = split / /, $op;
	my $real = $path =~ s/\{(\w+)\}/$o{$1} \/\/ die "$op: $1"/ger;
	my $r = $server eq 'admind' ? $ad->call($method => $real .
	    ($o{query} // ''), $body, %{ $o{head} // {} }) :
	    Client->once($g->port, $method => $real . ($o{query} // ''), {
	    defined $body ? %json : (), %{ $o{head} // {} } }, ref $body ?
	    $J->encode($body) : $body);
	my $type = $r->{headers}{'content-type'} // '';

	is($r->{status}, $o{status} // 200, "$op" . ($o{query} // ''))
	    or diag $r->{body};
	push @{ $lines{$server} }, { method => $method, path => $path, status =>
	    $r->{status}, type => $type, headers => $r->{headers},
	    ref $body ? (sent => $body) : (), $type =~
	    m{^application/(?:problem\+)?json} &&
	    length $r->{body} ? (body => decode_json($r->{body})) : () };
	$good{$server}{$op}++ if $r->{status} < 300;
	return eval { decode_json($r->{body}) };
}

sub api { try('proxyd', @_) }
sub admin { try('admind', @_) }

my $talk = api('POST /v1/conversations', {})->{id};

# Every example of a request, as it stands in the document.
for my $path (sort keys %{ $doc{proxyd}{paths} }) {
	my $op = $doc{proxyd}{paths}{$path}{post} or next;
	my $b = $op->{requestBody} or next;
	$b = $doc{proxyd}{components}{requestBodies}{ $b->{'$ref'} =~
	    s{.*/}{}r } if $b->{'$ref'};
	my $e = $b->{content}{'application/json'}{examples};
	ok($e, "POST $path: has an example");
	api("POST $path", $e->{$_}{value}, model => $path =~ /mbed/ ?
	    'gemini-embedding-001' : $path =~ /conversations/ ? $talk :
	    'mock-echo') for sort keys %$e;
}
api('POST /v1beta/models/{model}:streamGenerateContent', { contents => [{
    parts => [{ text => 'x' }] }] }, model => 'mock-echo',
    query => '?alt=sse');
api('POST /v1/chat/completions', { model => "mock-$_", messages => [{ role =>
    'user', content => 'x' }] }, status => $_) for 429, 500;
api('POST /v1/messages', { model => "mock-$_", max_tokens => 9, messages => [{
    role => 'user', content => 'x' }] }, status => $_) for 429, 500;
api('POST /v1beta/models/{model}:generateContent', { contents => [{ parts => [{
    text => 'x' }] }] }, model => "mock-$_", status => $_) for 429, 500;
api('POST /v1/chat/completions', '{', status => 400);
api('POST /v1/responses', { model => 7 }, status => 400);
my $said = api('POST /v1/responses', { model => 'mock-echo', input => 'x',
    store => JSON::PP::true });
my $id = $said->{id};
api('GET /v1/responses/{model}', undef, model => $id);
api('GET /v1/responses/{model}/input_items', undef, model => $id,
    query => '?limit=5&order=asc');
api('POST /v1/responses/{model}/cancel', undef, model => $id, status => 400);
api('DELETE /v1/responses/{model}', undef, model => $id);
api('GET /v1/responses/{model}', undef, model => $id, status => 404);
api('POST /v1/conversations', { items => 'x' }, status => 400);
my $item = api('POST /v1/conversations/{model}/items', { items => [{ role =>
    'user', content => 'x' }] }, model => $talk)->{data}[0]{id};
api('GET /v1/conversations/{model}/items', undef, model => $talk, query =>
    '?limit=5&order=asc');
api("$_ /v1/conversations/{model}/items/{item}", undef, model => $talk, item =>
    $item) for qw(GET DELETE);
api("$_ /v1/conversations/{model}", undef, model => $talk) for qw(GET DELETE);
api('GET /v1/conversations/{model}', undef, model => $talk, status => 404);
for my $h ({}, { 'anthropic-version' => '2023-06-01' }, { 'x-goog-api-key' =>
    'x' }) {
	api('GET /v1/models', undef, head => $h);
	api('GET /v1/models/{model}', undef, model => 'mock-echo', head => $h);
}
api('GET /v1beta/models');
api('GET /v1beta/models/{model}', undef, model => 'mock-echo');
api('GET /v1beta/models/{model}', undef, model => 'none', status => 404);
api("GET $_") for qw(/ /healthz /openapi.json /v1/api-keys/stats /docs);

admin('GET /api/v1/users', undef, status => 403);
admin('GET /api/v1/session');
admin('POST /api/v1/setup', { token => 'x' x 24, name => 'root', password =>
    'correct horse' }, status => 403);
$said = admin('POST /api/v1/setup', { token => $ad->setup_token, name =>
    'root', password => 'correct horse' });
is($ad->log_in('root', 'correct horse')->{status}, 200, 'a session');
admin('POST /api/v1/session', { name => 'root', password => 'correct horse' });
admin('POST /api/v1/session', { name => 'root', password => 'wrong' },
    status => 401);
admin('GET /api/v1/session');
admin('POST /api/v1/users', { name => 'u', password => 'short', role =>
    'viewer' }, status => 422);
$id = admin('POST /api/v1/users', { name => 'u', password => 'long enough',
    role => 'viewer' }, status => 201)->{id};
admin('GET /api/v1/users');
admin('GET /api/v1/users/{id}', undef, id => $id);
admin('PATCH /api/v1/users/{id}', { enabled => JSON::PP::false }, id => $id,
    status => 204);
admin('DELETE /api/v1/users/{id}', undef, id => $id, status => 204);
$id = admin('POST /api/v1/tokens', { name => 't', role => 'viewer', days => 3 },
    status => 201)->{id};
admin('GET /api/v1/tokens');
admin('DELETE /api/v1/tokens/{id}', undef, id => $id, status => 204);
admin('GET /api/v1/audit', undef, query => '?limit=3');
my %object = (
	models => { route_key => 'fast', target_model => 'm', provider =>
	    'openai' },
	rules => { name => 'long', match => { model => ['no-such-*'] },
	    targets => [ { provider => 'openai' } ] },
	keys => { provider => 'openai', api_key => 'sk-openapi-test-0002' },
	providers => { name => 'local', dialect => 'gemini' });
my %made = map { ($_ => admin("POST /api/v1/$_", $object{$_})->{id}) }
    sort keys %object;
$made{pools} = admin('POST /api/v1/pools', { name => 'few', provider =>
    'openai', keys => [ $made{keys} ] })->{id};
for (qw(models rules pools keys providers)) {
	admin("GET /api/v1/$_");
	admin("GET /api/v1/$_/{id}", undef, id => $made{$_});
	admin("PATCH /api/v1/$_/{id}", { { models => 'target_model', keys =>
	    'note', providers => 'default_model' }->{$_} // 'name' =>
	    'other' }, id => $made{$_});
}
admin('POST /api/v1/keys', { provider => 'openai', values =>
    "sk-openapi-test-0003\nno key\n" });
admin('POST /api/v1/rules/order', { ids => [ $made{rules} ] }, status => 204);
admin('POST /api/v1/keys/{id}/reset', undef, id => $made{keys}, status =>
    204);
admin('POST /api/v1/providers/{id}/reset', undef, id => $made{providers},
    status => 204);
admin('GET /api/v1/served-models');
admin('POST /api/v1/dry-run', { body => { model => 'fast', messages => [ {
    role => 'user', content => 'x' } ] } });
admin("DELETE /api/v1/$_/{id}", undef, id => $made{$_}, status => 204)
    for qw(models rules pools keys providers);
$id = admin('POST /api/v1/tenants', { name => 'team', models => ['claude-*'],
    budget_month => 500 })->{id};
admin('PATCH /api/v1/tenants/{id}', { rpm => 10, budget_day => 1.5 }, id =>
    $id);
admin('GET /api/v1/tenants');
admin('GET /api/v1/budgets');
admin('GET /api/v1/tenants/{id}', undef, id => $id);
admin('PATCH /api/v1/tenants/{id}', { rpm => 9 }, id => $id, status => 412,
    head => { 'If-Match' => '"old"' });
my $key = admin('POST /api/v1/client-keys', { name => 'k', tenant_id => $id,
    days => 9 })->{id};
admin('PATCH /api/v1/client-keys/{id}', { models => "gpt-*\nmock-*" }, id =>
    $key);
admin('POST /api/v1/client-keys/{id}/rotate', { grace_s => 60 }, id => $key);
admin('POST /api/v1/client-keys/{id}/rotate', undef, id => $key);
admin('GET /api/v1/client-keys');
admin('GET /api/v1/client-keys/{id}', undef, id => $key);
my $own = admin('POST /api/v1/client-keys', { name => 'l', rpm => 50, tpm =>
    90000 });
my %auth = (Authorization => "Bearer $own->{key}");
ok($g->known, 'a key is wanted');
for my $path ('/v1/chat/completions', '/v1/messages') {
	api("POST $path", { model => 'mock-echo', max_tokens => 9, messages => [{
	    role => 'user', content => 'x' }] }, head => \%auth);
	ok(grep({ /ratelimit/ } keys %{ $lines{proxyd}[-1]{headers} }),
	    'its limits are told');
}
admin('DELETE /api/v1/client-keys/{id}', undef, id => $own->{id}, status =>
    204);
$g->wait_for(sub { Client->once($g->port, GET => '/v1/models')->{status} ==
    200 });
admin('DELETE /api/v1/client-keys/{id}', undef, id => $key, status => 204);
admin('DELETE /api/v1/tenants/{id}', undef, id => $id, status => 204);
$id = admin('PUT /api/v1/prices', { model => 'qwen3', input => 0.25, output =>
    0 })->{id};
admin('GET /api/v1/prices');
admin('GET /api/v1/prices/{id}', undef, id => $id);
admin('DELETE /api/v1/prices/{id}', undef, id => $id, status => 204);
admin('DELETE /api/v1/prices/{id}', undef, id => $id, status => 404);
$g->wait_for(sub { my ($r) = $g->sql('SELECT count(*) AS n FROM requests');
    $r->{n} > 20 && !glob "$g->{home}/capture/*" });
my $rows = admin('GET /api/v1/logs', undef, query => '?limit=4');
admin('GET /api/v1/logs', undef, query => "?cursor=$rows->{next}&failed=false");
admin('GET /api/v1/logs', undef, query => '?limit=0', status => 400);
admin('GET /api/v1/logs/{id}', undef, id => $rows->{rows}[0]{request_id});
admin('GET /api/v1/logs/{id}', undef, id => 'req_none', status => 404);
admin('GET /api/v1/logs/export', undef, query => "?format=$_&limit=3")
    for qw(csv jsonl);
admin('GET /api/v1/stats', undef, query => $_) for '', '?by=attempts',
    '?by=model&step=minute', '?by=provider&points=false';
admin('GET /api/v1/stats', undef, query => '?by=x', status => 400);
admin('GET /api/v1/budgets', undef, query => '?percent=x', status => 400);
$id = admin('GET /api/v1/revisions', undef, query => '?limit=2')
    ->{revisions}[0]{n};
admin('GET /api/v1/revisions/{n}', undef, n => $id);
admin('POST /api/v1/revisions/{n}/rollback', { dry_run => JSON::PP::true },
    n => $id);
admin('GET /api/v1/revisions/{n}', undef, n => 1 << 40, status => 404);
admin('PATCH /api/v1/settings', { MAX_BODY => '8m' });
admin('PATCH /api/v1/settings', { NONE => 7 }, status => 422);
admin('GET /api/v1/settings');
my $file = admin('POST /api/v1/export', { passphrase => 'long enough' });
admin('POST /api/v1/export', { passphrase => 'short' }, status => 422);
admin('POST /api/v1/import', { file => $file, passphrase => 'long enough',
    $_ => JSON::PP::true }) for qw(dry_run replace);
admin('POST /api/v1/import', { file => {}, passphrase => 'long enough' },
    status => 422);
my $hung = Client->new($g->port);
$hung->send("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n" .
    "Content-Length: 9\r\n\r\n");
my $flies = $g->wait_for(sub { $ad->call(GET => '/api/v1/requests')->{json}
    {requests}[0] });
admin('GET /api/v1/requests');
admin('DELETE /api/v1/requests/{id}', undef, id => $flies->{id}, status =>
    204);
admin('DELETE /api/v1/requests/{id}', undef, id => 'req_x', status => 404);
admin('POST /api/v1/convert', { kind => 'request', from => 'anthropic', text =>
    $_ }) for '{', '{"model": 1}', '{"model": "m", "max_tokens": 9, "top_k": ' .
    '3, "messages": [{"role": "user", "content": "x"}]}';
admin('POST /api/v1/test', $_) for { model => 'mock-echo' }, { model =>
    'mock-429' }, { model => 'm', provider => 'mock' };
admin('POST /api/v1/test', {}, status => 422);
admin('POST /api/v1/convert', { from => 'x' }, status => 422);
$id = admin('POST /api/v1/proxy/{path}', { model => 'mock-echo', input => 'x',
    store => JSON::PP::true }, path => 'v1/responses')->{id};
admin('GET /api/v1/proxy/{path}', undef, path => "v1/responses/$id");
admin('DELETE /api/v1/proxy/{path}', undef, path => "v1/responses/$id");
admin('GET /api/v1/proxy/{path}', undef, path => 'v1/responses/x', status =>
    404);
admin('GET /api/v1/proxy/{path}', undef, path => 'nowhere', status => 404);
admin("GET $_") for qw(/api/v1/status /healthz /metrics /v1/api-keys/stats
    /api/status /status / /style.css /docs /openapi.json);

# Streams do not end: some events of each are looked at, with proxyd and without.
sub events {
	my ($path, $name, $n, $do) = @_;
	my $c = Client->new($ad->port);

	$c->request(GET => $path, { Cookie => $ad->{session}{cookie} });
	ok($c->until_match(qr/retry: \d+/), "$path: a stream");
	my @got;
	ok($g->wait_for(sub {
		$do->() if $do;
		$c->{deadline} = undef;
		local $c->{timeout} = 1.5;
		$c->until_match(qr/(?:event: $name\n.*?){$n}\n\n/s);
		@got = $c->{in} =~ /^event: $name\ndata: (\{.*\})$/mg;
		return @got >= $n;
	}, 20), '... whose events come');
	my ($type) = $c->{in} =~ /^content-type: (\S+?)\r?$/mi;
	push @{ $lines{admind} }, { method => 'GET', path => $path, status =>
	    200, type => $type, headers => {}, events => [ map { [ $name,
	    decode_json($_) ] } @got ] };
	$good{admind}{"GET $path"}++;
}

my $asked = { model => 'mock-echo', messages => [ { role => 'user', content =>
    'x' } ] };
events('/api/v1/logs/follow', 'row', 2, sub { Client->once($g->port, POST =>
    '/v1/chat/completions', \%json, $J->encode($asked)) });
events('/api/v1/live', 'figures', 2);
$g->stop;
events('/api/v1/live', 'figures', 1);
admin('GET /api/v1/status');
admin('DELETE /api/v1/session', undef, status => 204);

# Who cancels is a provider.
for my $server (qw(proxyd admind)) {
	for (sort keys %{ $code{$server} }) {
		my ($method, $path) = split;
		my $op = $doc{$server}{paths}{$path}{lc $method} or next;
		next if m{/cancel$};
		ok($good{$server}{$_}, "$server: $_ was tried, and worked")
		    or diag "add a call of it to $0";
	}
}

SKIP: {
	my $ajv = dirname($dir) . '/ajv';
	if (my $why = npm_missing(18) // npm_install('t/ajv', $ajv)) {
		skip "the validator cannot be run: $why", 2;
	}
	for my $server (qw(proxyd admind)) {
		my $file = "$g->{home}/$server.json";
		open my $f, '>', $file or die;
		print $f $J->encode($doc{$server});
		close $f;
		open $f, '>', "$file.lines" or die;
		print $f $J->encode($_), "\n" for @{ $lines{$server} };
		close $f;
		my $out = `node $ajv/openapi.mjs $file <$file.lines 2>&1`;
		my $bad = eval { decode_json($out) };
		is(join("\n", @{ $bad // [$out] }), '', "$server: " .
		    @{ $lines{$server} } . ' exchanges are as described');
	}
}
$ad->finish;
$g->finish;
done_testing;
