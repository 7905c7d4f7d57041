#!/usr/bin/perl

# What gateways of this kind have been broken by, tried on both servers as a
# whole.  The numbers are those of the project's list of threats; each has its
# closer tests where the part is tested, which are named.

use strict;
use warnings;
use utf8;
use Admind;
use Client;
use File::Find qw(find);
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);
my $J = JSON::PP->new->utf8->canonical;
my $T = JSON::PP::true;

my $up = Upstream->new(sub {
	my ($req) = @_;
	my $b = Upstream::json_of($req);

	# A provider that repeats the key it was sent.
	return [reply => 400, { 'Content-Type' => 'application/json' },
	    json_text({ error => { message => "Incorrect API key: " .
	    ($req->{headers}{authorization} // ''), type => 'x' } })]
	    if ($b->{model} // '') =~ /says-key/;
	return answer_for($req);
});
my ($addr) = grep { !/^127\./ } (`hostname -I 2>/dev/null` // '') =~
    /(\d+\.\d+\.\d+\.\d+)/g;
my $config = config_for($up, <<'EOT');
HOST: 0.0.0.0
MODELS:
  - {route_key: says-key, provider: openai}
  - {route_key: gpt-4o, provider: openai}
EOT
my $g = Gateway->new(config => $config, args => ['-w', 1]);
my $ad = Admind->new($g->{home}, file => $g->{file});
my %doc = map { $_->[0] => decode_json(Client->once($_->[1]->port, GET =>
    '/openapi.json')->{body}) } ['proxyd', $g], ['admind', $ad];
my $chat = { model => 'gpt-4o', messages => [{ role => 'user', content =>
    'x' }] };
my $hostile = "x' OR '1'='1' --\";<img src=x onerror=alert(1)>%_\\";

sub lines_of { my ($text) = @_; my $n = () = $text =~ m{^HTTP/1\.\d }mg; $n }

# Everything that a raw text makes the server say, until it hangs up.
sub raw {
	my ($port, $text) = @_;
	my $c = Client->new($port, timeout => 1.5);

	$c->send($text);
	1 while $c->fill;
	return wantarray ? ($c->{in}, $c->{eof}) : $c->{in};
}

# --- before anybody is set up ------------------------------------------------------

subtest 'threat-02 a fresh start serves this machine only' => sub {
	my $p = '/v1/chat/completions';
	my $ask = sub { my ($port, $to, %h) = @_; Client->new($port, addr => $to)
	    ->request(POST => $p, \%h, $chat)->response->{status} };

	is($ask->($g->port, '127.0.0.1'), 200, 'this machine');
	SKIP: {
		skip 'this machine has no other address', 2 unless $addr;
		is($ask->($g->port, $addr), 401, 'by another address');
		is($ask->($g->port, $addr, Host => 'localhost'), 401,
		    '... with a Host that lies');
	}
	is($ask->($g->port, '127.0.0.1', @$_), 401, "@$_") for
	    [Host => 'evil.example'], [Origin => 'http://evil.example'],
	    [Origin => 'null'], [Origin => ''],
	    [Origin => 'http://localhost:3000'],
	    ['X-Forwarded-For' => '127.0.0.1'], [Forwarded => 'for=127.0.0.1'];
	is($ask->($g->port, '127.0.0.1', Origin => 'http://localhost'), 200,
	    'our own page of /docs');
	is(scalar(grep { $ad->call(POST => '/api/v1/session', { name => $_->[0],
	    password => $_->[1] })->{status} == 200 } ['root', 'root'],
	    ['admin', 'admin'], ['root', '123456'], ['admin', ''],
	    ['root', $ad->setup_token]), 0, 'no default password');
	my ($n) = $g->sql('SELECT count(*) AS n FROM users');
	is($n->{n}, 0, 'as there is no user');
	like(`cat etc/app.yml`, qr/^ADMIN_HOST: 127\.0\.0\.1\b/m,
	    'the management server is for this machine by default');
};

# Without a limit on tries, which 70-rest-auth.t has.
$ad->finish;
$ad = Admind->new($g->{home}, file => $g->{file});
is($ad->set_up->{status}, 200, 'set up');
my $root = $ad->{session};
my $token = sub { $ad->call(POST => '/api/v1/tokens', { name => "t$_[0]", role =>
    $_[0] })->{json}{token} };
my %token = (viewer => $token->('viewer'), admin => $token->('admin'));

# --- 1: SQL --------------------------------------------------------------------------

subtest 'threat-01 SQL injection' => sub {
	my $tables = sub { join ' ', map { "$_->{name}" } $g->sql("SELECT name
	    FROM sqlite_master ORDER BY name") };
	my $before = $tables->();
	my $esc = $hostile =~ s/([^\w])/sprintf '%%%02X', ord $1/ger;

	$g->settled;
	my ($params) = grep { $_->{operationId} eq 'listLogs' }
	    map { values %$_ } { map { $_->{operationId} => $_ }
	    map { $_->{get} // () } values %{ $doc{admind}{paths} } };
	for my $p (map { $doc{admind}{components}{parameters}{ ($_->{'$ref'} //
	    '') =~ s{.*/}{}r } // $_ } @{ $params->{parameters} }) {
		my $r = $ad->call(GET => "/api/v1/logs?$p->{name}=$esc");
		like($r->{status}, qr/^(?:200|400)$/, "logs: $p->{name}");
		is(scalar @{ $r->{json}{rows} }, 0, '... matches nothing')
		    if $r->{status} == 200;
	}
	# LIKE's own characters are characters.
	Client->once($g->port, POST => '/v1/chat/completions', {}, $J->encode({
	    %$chat, model => 'none' }));
	$g->settled;
	is(scalar @{ $ad->call(GET => "/api/v1/logs?error=$_->[0]")
	    ->{json}{rows} }, $_->[1], "error=$_->[0]") for ['%25', 0],
	    ['none', 1], ['%25none%25', 0], ['n_ne', 0];
	my $long = Client->once($ad->port, GET => '/api/v1/logs?error=' .
	    '%25_' x 4000, { Authorization => "Bearer $token{viewer}" });
	like($long->{status}, qr/^(?:200|4\d\d)$/, 'a very long search');
	is($ad->call(GET => "/api/v1/$_")->{status}, 404, "/$_") for
	    "logs/$esc", "revisions/1%20OR%201=1";
	is($ad->call(DELETE => "/api/v1/$_/1%20OR%201=1")->{status}, 404, $_)
	    for qw(tenants client-keys prices users tokens);
	for ([tenants => 'tenants', { note => $hostile }], ['client-keys' =>
	    'client_keys', { note => $hostile }]) {
		my ($path, $list, $more) = @$_;
		my $r = $ad->call(POST => "/api/v1/$path", { name => 'a1',
		    %$more });
		is($r->{status}, 200, "$path: hostile text is text")
		    or diag $r->{body};
		my ($o) = grep { $_->{id} == $r->{json}{id} }
		    @{ $ad->call(GET => "/api/v1/$path")->{json}{$list} };
		is($o->{note}, $hostile, '... as it was');
		is($ad->call(DELETE => "/api/v1/$path/$r->{json}{id}")
		    ->{status}, 204, '... and goes');
	}
	is($ad->call(POST => '/api/v1/session', { name => $hostile, password =>
	    $hostile })->{status}, 401, 'log in');
	is(Client->once($ad->port, GET => '/api/v1/users', { Cookie =>
	    "proxyd_session=' OR 1=1 --aaaaaaaaaaaa" })->{status}, 401,
	    'a cookie');
	is(Client->once($ad->port, GET => '/api/v1/users', { Authorization =>
	    "Bearer padm-' OR 1=1 --" })->{status}, 401, 'a token');
	ok($g->known, 'the workers know that the client key is gone');
	for my $h ('User-Agent', 'x-session-id', 'x-api-key',
	    'x-proxyd-strict', 'anthropic-version') {
		my $r = Client->once($g->port, POST => '/v1/messages', { $h =>
		    $hostile }, $J->encode({ %$chat, max_tokens => 9, model =>
		    "mock-echo" }));
		like($r->{status}, qr/^(?:200|400)$/, "header $h");
	}
	is(Client->once($g->port, GET => "/v1/responses/$esc")->{status}, 404,
	    'a stored response');
	is($tables->(), $before, 'the tables are those that were');
	is(($g->sql('PRAGMA integrity_check'))[0]{integrity_check}, 'ok',
	    'and whole');
};

# --- 3: who may, at every route ---------------------------------------------------------

subtest 'threat-03 no route is open by its spelling' => sub {
	my $key = $ad->call(POST => '/api/v1/client-keys', { name => 'k' })
	    ->{json};
	ok($g->wait_for(sub { Client->once($g->port, GET => '/v1/models')
	    ->{status} == 401 }), 'a key is wanted now');
	my %open = map { $_ => 1 } qw(/ /healthz /docs /openapi.json);
	for my $path (sort keys %{ $doc{proxyd}{paths} }) {
		my $real = $path =~ s/\{model\}/mock-echo/r;
		for my $method (qw(GET HEAD POST PUT PATCH DELETE OPTIONS TRACE
		    get)) {
			my $c = Client->new($g->port, timeout => 5);
			$c->request($method => $real, {}, $method =~
			    /^P/ ? '{}' : undef);
			my $r = $c->response(head => $method eq 'HEAD') //
			    { status => 0 };
			ok($open{$path} && $method =~ /^(?:GET|HEAD)$/ ?
			    $r->{status} == 200 : $r->{status} == 0 ||
			    $r->{status} >= 400, "proxyd: $method $path")
			    or diag $r->{status};
		}
	}
	for my $p ('//v1/models', '/./v1/models', '/v1/../v1/models',
	    '/docs/../v1/models', '/docs/%2e%2e/v1/models', '/v1/models;x',
	    '/v1/models/', '/V1/MODELS', '/v1/models.', '/%76%31/models',
	    '/healthz/../v1/models', 'http://localhost/v1/models',
	    'http://evil.example/v1/models', '/v1/models%00', '/docs?/v1/models',
	    '/v1/api-keys/stats?/docs', '*') {
		my $r = Client->once($g->port, GET => $p);
		ok($r->{status} >= 400 || $p =~ m{^/docs\?},
		    "proxyd: GET $p") or diag $r->{status};
		unlike($r->{body}, qr/mock-echo"|total_requests/, '... tells nothing');
	}
	for (["Authorization: Bearer x\r\nAuthorization: Bearer $key->{key}"],
	    ["Host: localhost\r\nHost: localhost\r\nx-api-key: $key->{key}"]) {
		my $r = raw($g->port, "GET /v1/models HTTP/1.1\r\nHost: " .
		    "localhost\r\n$_->[0]\r\nConnection: close\r\n\r\n");
		unlike($r, qr{^HTTP/1\.1 500}, 'headers that are there twice');
	}

	# Every route of the management API, whatever is added to it.
	local $ad->{session};
	my $n = 0;
	for my $path (sort keys %{ $doc{admind}{paths} }) {
		for my $method (grep { $_ ne 'parameters' }
		    sort keys %{ $doc{admind}{paths}{$path} }) {
			my $role = $doc{admind}{paths}{$path}{$method}{'x-role'}
			    // next;
			my $real = $path =~ s/\{\w+\}/1/gr;
			my $body = $method =~ /^p/ ? '{}' : undef;
			$n++;
			is($ad->call(uc $method => $real, $body)->{status}, 401,
			    "admind: nobody: \U$method\E $path");
			is($ad->call(uc $method => $real, $body, Authorization
			    => "Bearer $key->{key}")->{status}, 401,
			    '... a client key');
			next if $role ne 'admin';
			is($ad->call(uc $method => $real, $body, Authorization
			    => "Bearer $token{viewer}")->{status}, 403,
			    '... a viewer');
		}
	}
	cmp_ok($n, '>', 30, 'routes are found');
	for my $p ('//api/v1/users', '/api/v1//users', '/api/v1/users/',
	    '/API/v1/users', '/api/v1/%75sers', '/api/v1/./users',
	    '/ui/../api/v1/users', '/api/v1/session/../users',
	    '/api/v1/users;x', 'http://localhost/api/v1/users') {
		my $r = Client->once($ad->port, GET => $p);
		like($r->{status}, qr/^40/, "admind: GET $p");
		unlike($r->{body}, qr/"root"/, '... tells nothing');
	}
	$ad->{session} = $root;
	is($ad->call(DELETE => "/api/v1/client-keys/$key->{id}")->{status}, 204,
	    'the key goes');
	ok($g->wait_for(sub { Client->once($g->port, GET => '/v1/models')
	    ->{status} == 200 }), 'and none is wanted');
};

# --- 4: where a request ends ----------------------------------------------------------------

subtest 'threat-04 request smuggling' => sub {
	my $second = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
	my $head = "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n";
	my $te = "Transfer-Encoding: chunked\r\n";
	my %bad = (
	    'CL and TE' => "${head}Content-Length: 6\r\n$te\r\n0\r\n\r\n$second",
	    'TE and CL' => "$head${te}Content-Length: 6\r\n\r\n0\r\n\r\n$second",
	    'two CL' => "${head}Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}$second",
	    'CL as a list' => "${head}Content-Length: 2, 60\r\n\r\n{}$second",
	    'CL with a sign' => "${head}Content-Length: +2\r\n\r\n{}$second",
	    'CL too large' => "${head}Content-Length: 99999999999999999999\r\n\r\n{}$second",
	    'two TE' => "$head$te${te}\r\n0\r\n\r\n$second",
	    'a chunk too large' => "$head$te\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n$second",
	    'a chunk with a sign' => "$head$te\r\n-2\r\n{}\r\n0\r\n\r\n$second",
	    'a space before the colon' => "${head}Content-Length : 2\r\n\r\n{}$second",
	    'a folded header' => "${head}X: a\r\n Content-Length: 60\r\n" .
		"Content-Length: 2\r\n\r\n{}$second",
	);
	for my $port ($g->port, $ad->port) {
		for (sort keys %bad) {
			my ($said, $eof) = raw($port, $bad{$_});
			unlike($said, qr{^HTTP/1\.1 200}m,
			    "$_: nothing behind it is served") or diag $said
			    if !/folded/;
			is(scalar(grep { !/ 4\d\d / } $said =~
			    /^(HTTP\/1\.1 .*)/mg), 0, "$_: refused")
			    if !/folded/;
			is($eof, 1, "$_: and that is the end") if !/folded|space/;
		}
	}
	my $body = $J->encode({ model => 'mock-echo', max_tokens => 9, messages
	    => [{ role => 'user', content => 'x' }] });
	my $len = sprintf '%x', length $body;
	for (['a chunk extension', "$len;x=y\r\n$body\r\n0\r\n\r\n"],
	    ['a trailer', "$len\r\n$body\r\n0\r\nContent-Length: 3\r\n\r\n"]) {
		my $said = raw($g->port, "$head$te\r\n$_->[1]" . $second =~
		    s/\r\n\r\n/\r\nConnection: close\r\n\r\n/r);
		like($said, qr/^HTTP\/1\.1 200.*"type":"message"/s,
		    "$_->[0]: the request ends where it says");
		cmp_ok(lines_of($said), '<=', 2, '... and the next is the next');
	}
	my $said = raw($g->port, "${head}Transfer-Encoding: x\r\n\r\n$second");
	unlike($said, qr/^HTTP\/1\.1 200/m, 'an encoding that is not known');
	$said = raw($g->port, "${head}Content-Length: 1\r\n\r\n{" . $second x
	    3);
	cmp_ok(lines_of($said), '<=', 4, 'pipelined behind an error');
	unlike($said, qr/^HTTP\/1\.1 5/m, '... nothing breaks');
	is(Client->once($g->port, GET => '/healthz')->{status}, 200,
	    'it serves on');
};

# --- 6: keys (37-keys.t has providers, logs and processes) ---------------------------------------

subtest 'threat-06 no key leaks' => sub {
	my $r = Client->once($g->port, POST => '/v1/chat/completions', {},
	    $J->encode({ %$chat, model => 'says-key' }));
	is($r->{status}, 400, 'a provider that repeats its key');
	unlike($r->{body}, qr/sk-test-openai/, '... is not repeated');
	my $client = $ad->call(POST => '/api/v1/client-keys', { name => 'leak' })
	    ->{json};
	$g->settled;
	my $secret = do { open my $f, '<:raw', "$g->{home}/secret.key" or die;
	    local $/; <$f> };
	my @never = map { quotemeta } 'sk-test-openai-key', 'sk-ant-test-key',
	    'AIza-test-gemini', $client->{key}, values %token, 'correct horse',
	    $secret, $root->{cookie} =~ s/.*=//r;
	my $never = join '|', @never;
	for my $path (sort keys %{ $doc{admind}{paths} }) {
		my $op = $doc{admind}{paths}{$path}{get} or next;
		next if $op->{'x-stream'} || $path =~ /proxy/;
		my $r = $ad->call(GET => $path =~ s/\{\w+\}/1/gr);
		unlike($r->{body}, qr/$never/, "GET $path");
	}
	my ($row) = @{ $ad->call(GET => '/api/v1/logs?model=says-key')
	    ->{json}{rows} };
	ok($row, 'its row');
	unlike($ad->call(GET => "/api/v1/logs/$row->{request_id}")->{body},
	    qr/$never/, '... and its bodies');
	unlike($ad->call(GET => "/api/v1/logs/export?format=$_")->{body},
	    qr/$never/, "export as $_") for qw(csv jsonl);
	find({ no_chdir => 1, wanted => sub {
		return if !-f || $_ eq $g->{file} || /secret\.key$/;
		open my $f, '<:raw', $_ or return;
		local $/;
		unlike(scalar <$f> // '', qr/$never/, "file " . s{.*/}{}r);
	} }, $g->{home});
	is((stat "$g->{home}/$_")[2] & 077, 0, "$_ is its owner's alone")
	    for qw(proxyd.db secret.key);
	$ad->call(DELETE => "/api/v1/client-keys/$client->{id}");
};

# --- 7, 8: browsers (80-ui.t has the pages) ---------------------------------------------------------

subtest 'threat-07 what others say is never markup' => sub {
	Client->once($g->port, POST => '/v1/chat/completions', {}, $J->encode({
	    %$chat, model => "mock-$hostile" }));
	for (['proxyd', $g, {}], ['admind', $ad, { Authorization =>
	    "Bearer $token{admin}" }]) {
		my ($server, $o, $head) = @$_;
		for my $path (sort keys %{ $doc{$server}{paths} }) {
			my $op = $doc{$server}{paths}{$path}{get} or next;
			next if $op->{'x-stream'};
			my $r = Client->once($o->port, GET => $path =~
			    s/\{\w+\}/1/gr, $head);
			my $h = $r->{headers};
			is($h->{'x-content-type-options'}, 'nosniff',
			    "$server: GET $path: nosniff");
			ok(($h->{'content-type'} // '') =~ /html/ ?
			    ($h->{'content-security-policy'} // '') =~
			    /default-src 'none'/ &&
			    $h->{'content-security-policy'} !~ /unsafe|\*/ :
			    1, '... a page has its policy');
			unlike($r->{body}, qr/<img src=x/, '... no markup')
			    if ($h->{'content-type'} // '') =~ /html/;
		}
	}
	my $js = join '', map { open my $f, '<', $_ or die; local $/; <$f> }
	    glob('admind/ui/*.js admind/ui/pages/*.js common/docs/*.js');
	unlike($js, qr/innerHTML|outerHTML|insertAdjacentHTML|document\.write|
	    dangerouslySet|\beval\(|new\ Function/x,
	    'no script of ours makes markup of text');
};

subtest 'threat-08 other sites, other names, frames, tries' => sub {
	local $ad->{session} = $root;
	for (['a foreign Host', 403, Host => 'evil.example'],
	    ['a name that leads here', 403, Host => 'evil.example:3000',
	    Origin => 'http://evil.example:3000'],
	    ['a foreign page', 403, Origin => 'http://evil.example'],
	    ['a sandboxed page', 403, Origin => 'null'],
	    ['no CSRF token', 403, 'X-CSRF-Token' => undef],
	    ['another one', 403, 'X-CSRF-Token' => 'x' x 24]) {
		my ($what, $status, @h) = @$_;
		my $r = $ad->call(POST => '/api/v1/tenants', { name => 'c' },
		    @h);
		is($r->{status}, $status, $what) or diag $r->{body};
		ok(!grep({ /^access-control/ } keys %{ $r->{headers} }),
		    '... and no leave to read');
	}
	my $r = $ad->call(POST => '/api/v1/tenants', '{"name":"c"}',
	    'Content-Type' => 'text/plain');
	is($r->{status}, 415, 'what a form can send');
	is(scalar @{ $ad->call(GET => '/api/v1/tenants')->{json}{tenants} }, 0,
	    'nothing was done');
	$r = Client->once($_->port, OPTIONS => '/v1/messages', { Origin =>
	    'http://evil.example', 'Access-Control-Request-Method' => 'POST' }),
	    ok(!$r->{headers}{'access-control-allow-origin'}, 'no CORS')
	    for $g, $ad;
	like(Client->once($_->[1]->port, GET => $_->[0])->{headers}
	    {'content-security-policy'}, qr/frame-ancestors 'none'/,
	    "$_->[0]: no frame") for ['/', $ad], ['/docs', $ad], ['/docs', $g];
	local $ad->{session} = { cookie => 'proxyd_session=' . 'f' x 24 };
	$r = $ad->log_in('root', 'correct horse');
	is($r->{status}, 200, 'log in with a cookie of somebody else\'s making');
	isnt($ad->{session}{cookie}, 'proxyd_session=' . 'f' x 24,
	    'the session is another');
	my @s = map { $ad->call(POST => '/api/v1/session', { name => 'root',
	    password => "wrong $_" })->{status} } 1 .. 8;
	is($s[-1], 429, 'who guesses has to wait') or diag "@s";
};

# --- 9: more than one may (24-responses.t, 46-tenants.t have tenants) ---------------------------------

subtest 'threat-09 nobody takes what is not his' => sub {
	local $ad->{session} = $root;
	my @k = map { my $t = $ad->call(POST => '/api/v1/tenants', { name =>
	    "t$_", models => ['mock-*'] })->{json}{id}; $ad->call(POST =>
	    '/api/v1/client-keys', { name => "k$_", tenant_id => $t })
	    ->{json} } 1, 2;
	my $ask = sub { my ($i, $method, $path, $body) = @_; Client->once(
	    $g->port, $method => $path, { Authorization => "Bearer $k[$i]{key}",
	    'Content-Type' => 'application/json' }, $body ? $J->encode($body) :
	    undef) };
	$g->wait_for(sub { Client->once($g->port, GET => '/v1/models')
	    ->{status} == 401 });
	$g->known;
	is($ask->($_, 'GET', '/v1/models')->{status}, 200, "tenant $_")
	    for 0, 1;
	my $r = decode_json($ask->(0, POST => '/v1/responses', { model =>
	    'mock-echo', input => 'mine', store => $T })->{body});
	is($ask->(0, GET => "/v1/responses/$r->{id}")->{status}, 200,
	    'its own response');
	is($ask->(1, $_->[0] => "/v1/responses/$r->{id}$_->[1]")->{status}, 404,
	    "another's: $_->[0]$_->[1]") for ['GET', ''], ['DELETE', ''],
	    ['GET', '/input_items'], ['POST', '/cancel'];
	is($ask->(1, POST => '/v1/responses', { model => 'mock-echo', input =>
	    'go on', previous_response_id => $r->{id} })->{status}, 400,
	    '... nor as what came before');
	is($ask->(0, GET => "/v1/responses/$r->{id}")->{status}, 200,
	    'which is still there');
	my $c = decode_json($ask->(0, POST => '/v1/conversations', { items =>
	    [{ role => 'user', content => 'mine' }] })->{body})->{id};
	is($ask->(1, @$_)->{status}, 404, "another's: $_->[0] $_->[1]") for
	    [GET => "/v1/conversations/$c"], [GET =>
	    "/v1/conversations/$c/items"], [DELETE => "/v1/conversations/$c"],
	    [POST => "/v1/conversations/$c", { metadata => {} }], [POST =>
	    "/v1/conversations/$c/items", { items => [] }];
	unlike($ask->(1, POST => '/v1/responses', { model => 'mock-echo', input
	    => 'go on', conversation => $c })->{body}, qr/mine/,
	    '... nor is it gone on from');
	is($ask->(0, POST => '/v1/chat/completions', $chat)->{status}, 403,
	    'no model beyond its own');
	for my $h (['x-proxyd-target' => 'openai/gpt-4o'], ['x-proxyd-key' =>
	    '1'], ['x-proxyd-operator' => 'x' x 32], ['x-portkey-custom-host' =>
	    'http://evil.example'], ['x-tenant' => 't2']) {
		my $r = Client->once($g->port, POST => '/v1/chat/completions',
		    { Authorization => "Bearer $k[0]{key}", @$h },
		    $J->encode($chat));
		ok($r->{status} >= 400, "$h->[0] gives a client nothing")
		    or diag $r->{body};
	}
	for (['tenants/1', { id => 2 }], ['tenants/1', { slot => 0 }],
	    ['client-keys/1', { hash => 'x' }], ['users/1', { name => 'x' }],
	    ['users/1', { hash => 'x' }]) {
		is($ad->call(PATCH => "/api/v1/$_->[0]", $_->[1])->{status} =~
		    /^(?:404|422)$/ ? 1 : 0, 1, "$_->[0]: " .
		    (keys %{ $_->[1] })[0] . ' is not a member');
	}
	$ad->call(DELETE => "/api/v1/client-keys/$_->{id}") for @k;
};

# --- 18 .. 20 --------------------------------------------------------------------------------------

subtest 'threat-18 what is fetched is what was locked' => sub {
	for my $file (glob '{admind/ui,t/ajv,t/ui,t/sdk,t/agents}/package.json') {
		my $dir = $file =~ s{/[^/]+$}{}r;
		my $p = do { open my $f, '<', $file or die; local $/;
		    decode_json(<$f>) };
		is_deeply([grep { !/^\d+\.\d+\.\d+$/ } values
		    %{ $p->{dependencies} // {} }], [], "$dir: exact versions");
		open my $f, '<', "$dir/package-lock.json" or die "$dir: $!";
		local $/;
		my $l = decode_json(<$f>)->{packages};
		is_deeply([sort grep { $_ ne '' && !$l->{$_}{integrity} &&
		    !$l->{$_}{link} } keys %$l], [],
		    "$dir: a digest of each package");
	}
	my $make = do { open my $f, '<', 'Makefile' or die; local $/; <$f> };
	unlike($make, qr/\b(?:curl|wget)\b[^\n]*\|\s*(?:ba)?sh/,
	    'nothing is run as it comes');
	unlike($make =~ s/\\\n//gr, qr/npm (?:ci|install)(?![^\n]*--ignore-scripts)/,
	    'and no script of a package at build');
};

subtest 'threat-19 keys are opened only where they are sent' => sub {
	my @bad;
	for my $file (glob('admind/*.c proxyctl/*.c common/*/*.c proxyd/*.c')) {
		open my $f, '<', $file or die;
		while (<$f>) {
			push @bad, "$file:$." if /\bsecret_reveal\(/ && $file !~
			    m{^proxyd/(?:request_try|capture)\.c$|^proxyctl/probe\.c$|
			    ^common/state/(?:secret|conf|store_conf)\.c$}x;
		}
	}
	is("@bad", '', 'a key in clear has few readers, none of them a server');
	for (["proxyd/master.c", 'proxyd, its children'], ["admind/main.c", 'admind']) {
		my $c = do { open my $f, '<', $_->[0] or die; local $/; <$f> };
		ok($c =~ /PR_SET_DUMPABLE, 0/, "$_->[1]: no core, no ptrace");
	}
};

subtest 'threat-20 every act is told' => sub {
	local $ad->{session} = $root;
	my $acts = sub { $ad->call(GET => '/api/v1/audit?limit=1000')
	    ->{json}{acts} };
	my $n = @{ $acts->() };
	my @do = ([POST => 'tenants', { name => 'aud' }],
	    [POST => 'client-keys', { name => 'aud' }],
	    [PUT => 'prices', { model => 'aud', input => 1, output => 2 }],
	    [POST => 'users', { name => 'aud', password => 'long enough',
	    role => 'viewer' }], [POST => 'tokens', { name => 'aud', role =>
	    'viewer' }], [PATCH => 'settings', { MAX_BODY => '8MiB' }]);
	for (@do) {
		my $r = $ad->call($_->[0] => "/api/v1/$_->[1]", $_->[2]);
		like($r->{status}, qr/^20/, "$_->[0] $_->[1]") or diag
		    $r->{body};
	}
	my $all = $acts->();
	is(scalar @$all, $n + @do, 'each has its line');
	is_deeply([grep { $_->{actor} ne 'root' || !$_->{ok} }
	    @$all[0 .. $#do]], [], 'with who it was');
	ok(!grep({ $J->encode($_) =~ /long enough|sk-proxy-[A-Za-z0-9]{8}/ }
	    @$all), 'and no secret');
	my $viewer = { Authorization => "Bearer $token{viewer}" };
	is($ad->call(DELETE => '/api/v1/tenants/1', undef, %$viewer, Cookie =>
	    undef)->{status}, 403, 'one that is refused');
	ok(!$acts->()->[0]{ok}, '... has one, too');
	for ('DELETE FROM audit', 'UPDATE audit SET actor = \'x\'') {
		like(`sqlite3 -cmd '.timeout 10000' '${\$g->db}' "$_" 2>&1`,
		    qr/append-only/, $_);
	}
	is(scalar @{ $acts->() }, @$all + 1, 'it only grows');
	$ad->call(PATCH => '/api/v1/settings', { MAX_BODY => undef });
};

$ad->finish;
$g->finish;
done_testing;
