#!/usr/bin/perl

# A provider's headers and proxy over REST: sealed, sent, masked where they are
# read, kept where the mask comes back; in revisions, and exports.

use strict;
use warnings;
use utf8;
use Admind;
use Client;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

my $up = Upstream->new(sub { answer_for($_[0]) });
my $base = $up->base;
my $secret = 'team-secret-header-value';
my $g = Gateway->new(config => <<"EOT");
WORKERS: 1
PROVIDERS:
  filed: { dialect: openai-chat, base_url: "$base/v1", keyless: true,
    proxy: "http://me:hidden-password\@127.0.0.1:9",
    headers: { X-Filed: "$secret" } }
EOT
my $ad = Admind->new($g->{home}, file => $g->{file});
$ad->set_up('boss');

sub api {
	my ($method, $path, $body, %h) = @_;
	return $ad->call($method => "/api/v1/$path", $body, %h);
}

# What a request to the model brings to the provider.
sub sent {
	my ($model) = @_;
	ok($g->known, 'known');
	my $r = Client->once($g->port, POST => '/v1/chat/completions', {},
	    { model => $model, messages => [ { role => 'user', content =>
	    'x' } ] });
	is($r->{status}, 200, 'answered') or diag $r->{body};
	my @all = grep { $_->{event} eq 'request' } $up->requests;
	return $all[-1];
}

my $r = api(POST => 'providers', { name => 'web', dialect => 'openai-chat',
    base_url => "$base/v1", keyless => JSON::PP::true, headers =>
    { 'X-Team' => $secret, 'x-short' => 'ab' } });
is($r->{status}, 200, 'made with headers') or diag $r->{body};
my $id = $r->{json}{id};
is_deeply($r->{json}{headers}, { 'X-Team' => 'team****alue', 'x-short' =>
    '****' }, 'read masked');
is($r->{json}{proxy}, '', 'no proxy');
api(POST => 'models', { route_key => 'm', target_model => 'gpt-x', provider =>
    'web' });

subtest 'headers' => sub {
	my $q = sent('m');
	is($q->{headers}{'x-team'}, $secret, 'sent');
	is($q->{headers}{'x-short'}, 'ab', 'both');

	$r = api(PATCH => "providers/$id", { headers => { 'x-new' => 'new one',
	    'X-Team' => 'team****alue' } });
	is($r->{status}, 200, 'changed') or diag $r->{body};
	is_deeply($r->{json}{headers}, { 'x-new' => 'n****e',
	    'X-Team' => 'team****alue' }, 'one new, one as it was')
	    or diag $r->{body};
	$q = sent('m');
	is($q->{headers}{'x-team'}, $secret, 'kept');
	is($q->{headers}{'x-new'}, 'new one', 'set');
	ok(!exists $q->{headers}{'x-short'}, 'gone');
	my $before = api(GET => "providers/$id")->{json};
	$r = api(PATCH => "providers/$id", { default_model => 'gpt-x' });
	is_deeply($r->{json}{headers}, $before->{headers}, 'not given: stay');
	isnt($r->{json}{etag}, $before->{etag}, 'another ETag');

	for ([ { 'X-Other' => 'team****alue' }, qr/X-Other.*whole value/ ],
	    [ { 'X-Team' => '****' }, qr/whole value/ ],
	    [ { 'Host' => 'x' }, qr/gateway sets/ ],
	    [ { 'a b' => 'x' }, qr/no name of a header/ ],
	    [ { 'x-a' => "x\r\nX-B: y" }, qr/control character/ ],
	    [ { 'x-a' => '' }, qr/1 to/ ], [ { 'x-a' => 'x' x 4097 }, qr/1 to/ ],
	    [ { 'x-a' => 1 }, qr/expected a text/ ],
	    [ { 'x-a' => 1, 'X-A' => 'x' }, qr/expected a text/ ],
	    [ { 'x-a' => 'y', 'X-A' => 'x' }, qr/twice/ ],
	    [ [], qr/expected an object/ ], [ 'x', qr/expected an object/ ],
	    [ { map { ("x-$_" => 'v') } 1 .. 65 }, qr/at most 64/ ]) {
		$r = api(PATCH => "providers/$id", { headers => $_->[0] });
		like($r->{status}, qr/^4(?:09|22)$/, 'refused');
		is($r->{json}{field}, 'headers', '... by its name');
		like($r->{json}{detail}, $_->[1], '... and why');
	}
	is_deeply(api(GET => "providers/$id")->{json}{headers},
	    $before->{headers}, 'nothing has changed');
};

subtest 'proxy' => sub {
	my ($host) = $base =~ m{//(.*)};
	$r = api(PATCH => "providers/$id", { base_url =>
	    'http://far.invalid/v1', proxy => "http://me:pass-word\@$host" });
	is($r->{status}, 200, 'set') or diag $r->{body};
	is($r->{json}{proxy}, "http://****\@$host", 'read without password');
	my $q = sent('m');
	like($q->{target} // $q->{path}, qr{^http://far\.invalid/v1},
	    'it is gone through');
	like($q->{headers}{'proxy-authorization'} // '', qr/^Basic /,
	    '... with the password');
	$r = api(PATCH => "providers/$id", { proxy => "http://****\@$host",
	    default_model => 'm' });
	is($r->{status}, 200, 'as it was read') or diag $r->{body};
	$q = sent('m');
	like($q->{headers}{'proxy-authorization'} // '', qr/^Basic /,
	    '... it is what it was');
	for ("http://****\@127.0.0.1:1", 'ftp://x', 'http://', 7) {
		$r = api(PATCH => "providers/$id", { proxy => $_ });
		like($r->{status}, qr/^4(?:09|22)$/, "$_: refused");
		is($r->{json}{field}, 'proxy', '... by its name');
	}
	$r = api(PATCH => "providers/$id", { proxy => '', base_url =>
	    "$base/v1" });
	is($r->{json}{proxy}, '', 'none again') or diag $r->{body};
	ok(!exists sent('m')->{headers}{'proxy-authorization'}, '... at all');
};

subtest 'of app.yml' => sub {
	my ($p) = grep { $_->{name} eq 'filed' }
	    @{ api(GET => 'providers')->{json}{providers} };
	is_deeply($p->{headers}, { 'X-Filed' => 'team****alue' }, 'shown');
	is($p->{proxy}, 'http://****@127.0.0.1:9', '... without password');
	for ({ headers => {} }, { proxy => '' }, { headers => { 'X-Filed' =>
	    'other value of it' } }) {
		$r = api(PATCH => "providers/$p->{id}", $_);
		is($r->{status}, 409, 'not to be changed here');
		like($r->{json}{detail}, qr/app\.yml/, '... but there');
	}
	$r = api(PATCH => "providers/$p->{id}", { enabled => JSON::PP::false,
	    headers => $p->{headers}, proxy => $p->{proxy} });
	is($r->{status}, 200, 'what it has may be said') or diag $r->{body};
	is(scalar(grep { $_->{file} && $_->{kind} eq 'header' } map {
	    @{ api(GET => "revisions/$_->{n}")->{json}{diff} } }
	    @{ api(GET => 'revisions')->{json}{revisions} }), 1,
	    'one header is of the file');
};

subtest 'revisions, audit, export' => sub {
	my ($rev) = @{ api(GET => 'revisions?limit=1')->{json}{revisions} };
	my $was = api(GET => "providers/$id")->{json};
	$r = api(PATCH => "providers/$id", { headers => {} });
	is_deeply($r->{json}{headers}, {}, 'all taken out');
	ok(!exists sent('m')->{headers}{'x-team'}, '... at once');
	my $diff = api(GET => "revisions/$r->{headers}{revision}");
	is(scalar(grep { $_->{kind} eq 'header' && $_->{op} eq 'remove' }
	    @{ $diff->{json}{diff} }), 2, 'in the diff');
	is(api(POST => "revisions/$rev->{n}/rollback", {})->{status}, 200,
	    'rolled back');
	is_deeply(api(GET => "providers/$id")->{json}, $was, 'all is back');
	is(sent('m')->{headers}{'x-team'}, $secret, '... and sent');

	my $file = api(POST => 'export', { passphrase => 'long enough' })
	    ->{json};
	api(DELETE => 'models/' . api(GET => 'models')->{json}{models}[0]{id});
	is(api(DELETE => "providers/$id")->{status}, 204, 'deleted');
	$r = api(POST => 'import', { passphrase => 'long enough', file =>
	    $file });
	is($r->{status}, 200, 'imported') or diag $r->{body};
	my ($p) = grep { $_->{name} eq 'web' }
	    @{ api(GET => 'providers')->{json}{providers} };
	is_deeply($p->{headers}, $was->{headers}, 'with its headers');
	is(sent('m')->{headers}{'x-team'}, $secret, '... in clear');
	my $text = join '', map { api(GET => $_)->{body} } qw(providers audit),
	    map { "revisions/$_->{n}" }
	    @{ api(GET => 'revisions')->{json}{revisions} };
	unlike($text . $g->log_text, qr/$secret|hidden-pass|pass-word|new one/,
	    'nowhere is what is secret');
};

subtest 'one that comes back has nothing of before' => sub {
	$r = api(POST => 'providers', { name => 'again', dialect => 'gemini',
	    headers => { 'x-old' => 'an old value' }, proxy =>
	    'http://127.0.0.1:9' });
	is(api(DELETE => "providers/$r->{json}{id}")->{status}, 204, 'gone');
	$r = api(POST => 'providers', { name => 'again', dialect => 'gemini' });
	is($r->{status}, 200, 'made again') or diag $r->{body};
	is_deeply($r->{json}{headers}, {}, 'no headers');
	is($r->{json}{proxy}, '', 'no proxy');
};

subtest 'proxyctl' => sub {
	my $bin = Gateway::bindir() . '/proxyctl';
	my $ctl = sub { scalar qx('$bin' --home '$g->{home}' $_[0] 2>&1) };
	like($ctl->(q(providers update again --set 'headers={"x-c":"of the ) .
	    q(shell"}' --set proxy=socks5h://u:p@127.0.0.1:1)), qr/updated/,
	    'sets them');
	my $o = decode_json($ctl->('providers show again --json'));
	is_deeply([ @$o{qw(headers proxy)} ], [ { 'x-c' => 'of****ll' },
	    'socks5h://****@127.0.0.1:1' ], '... and shows them masked');
	unlike(api(GET => 'audit')->{body}, qr/of the shell|u:p\@/,
	    'nothing in the audit log');
};
$ad->finish;
$g->finish;
done_testing;
