#!/usr/bin/perl

# Two who change the same at a time: what one has not seen is not overwritten.
# Tenants, client keys, prices, users, settings; those of 75-rest-objects, too,
# where the other one is faster by less than a request.

use strict;
use warnings;
use utf8;
use Admind;
use Client;
use Gateway;
use IO::Handle;
use IPC::Open2;
use JSON::PP;
use Test::More;

my $g = Gateway->new(config => "WORKERS: 1\n");
my $ad = Admind->new($g->{home}, file => $g->{file});
$ad->set_up('boss');

sub api {
	my ($method, $path, $body, %h) = @_;
	return $ad->call($method => "/api/v1/$path", $body, %h);
}

sub stale {
	my ($r, $name) = @_;

	is($r->{status}, 412, "$name: 412") or diag $r->{body};
	like($r->{headers}{'content-type'}, qr{^application/problem\+json},
	    '... a problem');
	like($r->{json}{detail}, qr/meanwhile/, '... that says so');
}

my $tenant = api(POST => 'tenants', { name => 'team' })->{json}{id};
my $key = api(POST => 'client-keys', { name => 'alice' })->{json}{id};
my $user = api(POST => 'users', { name => 'eve', password => 'long enough',
    role => 'viewer' })->{json}{id};
my $price = api(PUT => 'prices', { model => 'qwen3', input => 1, output => 2 })
    ->{json}{id};

# What is listed as what, and two changes of it.
for (['tenants', $tenant, { rpm => 5 }, { note => 'x' }],
    ['client-keys', $key, { rpm => 5 }, { note => 'x' }],
    ['users', $user, { role => 'admin' }, { enabled => JSON::PP::false }]) {
	my ($kind, $id, $mine, $theirs) = @$_;
	subtest $kind => sub {
		my $seen = api(GET => "$kind/$id");
		is($seen->{status}, 200, 'one') or diag $seen->{body};
		my $tag = $seen->{headers}{etag};
		like($tag, qr/^"[0-9a-f]{16}"$/, '... has an ETag');
		is($seen->{json}{etag}, $tag, '... in it, too');
		my ($in) = grep { $_->{id} == $id } @{ api(GET => $kind)
		    ->{json}{ $kind =~ s/-/_/r } };
		is_deeply($in, $seen->{json}, '... and in the list');
		is(api(GET => "$kind/99999")->{status}, 404, 'or none');

		my $r = api(PATCH => "$kind/$id", $theirs, 'If-Match' => $tag);
		like($r->{status}, qr/^20[04]$/, 'who has seen it changes it')
		    or diag $r->{body};
		my $now = api(GET => "$kind/$id");
		isnt($now->{headers}{etag}, $tag, '... and it has another');
		is_deeply($r->{json}, $now->{json}, '... which is told')
		    if $r->{status} == 200;
		stale(api(PATCH => "$kind/$id", $mine, 'If-Match' => $tag),
		    'who has seen the one before');
		stale(api(DELETE => "$kind/$id", undef, 'If-Match' => $tag),
		    'deletion');
		is_deeply(api(GET => "$kind/$id")->{json}, $now->{json},
		    'nothing has changed');
		is(api(PATCH => "$kind/$id", $mine, 'If-Match' => qq("x", ) .
		    $now->{headers}{etag})->{status} < 300, 1, 'one of some');
		is(api(PATCH => "$kind/$id", $theirs, 'If-Match' => '*')
		    ->{status} < 300, 1, 'any');
		is(api(PATCH => "$kind/$id", $mine)->{status} < 300, 1,
		    'none asked for');
		my $tagged = api(GET => "$kind/$id")->{headers}{etag};
		stale(api(PATCH => "$kind/$id", $theirs, 'If-Match' =>
		    "W/$tagged"), 'a weak one');
		is(api(DELETE => "$kind/$id", undef, 'If-Match' => $tagged)
		    ->{status}, 204, 'it goes');
		is(api(DELETE => "$kind/$id", undef, 'If-Match' => $tagged)
		    ->{status}, 404, 'once');
	};
}

subtest 'a rotation' => sub {
	$key = api(POST => 'client-keys', { name => 'bob' })->{json}{id};
	my $tag = api(GET => "client-keys/$key")->{headers}{etag};
	my $r = api(POST => "client-keys/$key/rotate", { grace_s => 60 },
	    'If-Match' => $tag);
	is($r->{status}, 200, 'by who has seen the key') or diag $r->{body};
	my ($rev) = @{ api(GET => 'revisions')->{json}{revisions} };
	is($rev->{action}, 'rotate client key', 'is called so');
	stale(api(POST => "client-keys/$key/rotate", {}, 'If-Match' => $tag),
	    'twice');
};

subtest 'prices' => sub {
	my %p = (model => 'qwen3', input => 1, output => 2);
	my $seen = api(GET => "prices/$price");
	my $tag = $seen->{headers}{etag};
	is($tag, $seen->{json}{etag}, 'one has an ETag');
	my ($in) = grep { $_->{id} == $price }
	    @{ api(GET => 'prices')->{json}{prices} };
	is_deeply($in, $seen->{json}, '... as in the list');
	my $r = api(PUT => 'prices', { %p, input => 3 }, 'If-Match' => $tag);
	is($r->{status}, 200, 'changed by who has seen it');
	is($r->{json}{input}, 3, '... as it is now');
	is($r->{headers}{etag}, $r->{json}{etag}, '... with its ETag');
	stale(api(PUT => 'prices', { %p, input => 4 }, 'If-Match' => $tag),
	    'by who has not');
	stale(api(PUT => 'prices', { %p, model => 'new' }, 'If-Match' =>
	    $tag), 'one that is not there');
	$r = api(PUT => 'prices', { %p, input => 5 }, 'If-None-Match' => '*');
	is($r->{status}, 412, 'a new one where there is one');
	like($r->{json}{detail}, qr/already/, '... is told so');
	$r = api(PUT => 'prices', { %p, model => 'new' }, 'If-None-Match' =>
	    '*');
	is($r->{status}, 200, '... and made where there is none');
	stale(api(DELETE => "prices/$price", undef, 'If-Match' => $tag),
	    'deletion');
	is(api(GET => "prices/$price")->{json}{input}, 3, 'all as it was');
	is(api(DELETE => "prices/$price")->{status}, 204, 'it goes');
	is(api(DELETE => "prices/$price")->{status}, 404, 'once');
};

subtest 'settings' => sub {
	my $seen = api(GET => 'settings');
	my $tag = $seen->{headers}{etag};
	is($tag, $seen->{json}{etag}, 'all have one');
	my $r = api(PATCH => 'settings', { LOG_DAYS => 7 }, 'If-Match' =>
	    $tag);
	is($r->{status}, 200, 'changed') or diag $r->{body};
	is($r->{headers}{etag}, api(GET => 'settings')->{headers}{etag},
	    '... to another');
	isnt($r->{headers}{etag}, $tag, '... which it is');
	stale(api(PATCH => 'settings', { LOG_DAYS => 8, KEEPALIVE => '9s' },
	    'If-Match' => $tag), 'by who has not seen it');
	is_deeply([ map { $_->{value} } grep { $_->{name} =~
	    /^(?:LOG_DAYS|KEEPALIVE)$/ } @{ api(GET => 'settings')->{json}
	    {settings} } ], [ '15s', 7 ], 'nothing of it');
};

subtest 'twice, or wrong' => sub {
	my $c = Client->new($ad->port);
	my $s = $ad->{session};
	my $body = '{"name":"z"}';
	$c->send("PATCH /api/v1/client-keys/$key HTTP/1.1\r\n" .
	    "Host: localhost\r\nCookie: $s->{cookie}\r\n" .
	    "X-CSRF-Token: $s->{csrf}\r\nContent-Type: application/json\r\n" .
	    "If-Match: *\r\nIf-Match: \"x\"\r\nContent-Length: " .
	    length($body) . "\r\n\r\n$body");
	is($c->response->{status}, 400, 'which of them?');
	is(api(GET => "client-keys/$key")->{json}{name}, 'bob', 'not done');
	my @before = @{ api(GET => 'audit')->{json}{acts} };
	stale(api(PATCH => "client-keys/$key", { name => 'c' }, 'If-Match' =>
	    $_), "'$_'") for '', 'x', '"', ',';
	is_deeply(api(GET => 'audit')->{json}{acts}, \@before,
	    'what was not done is in no audit log');
};

# The other one holds the lock while the change comes, and lets go then.
my $provider = api(POST => 'providers', { name => 'p', dialect => 'gemini',
    base_url => 'http://127.0.0.1:9' })->{json}{id};
for (["client-keys/$key", 'client_keys', 'name'],
    ["providers/$provider", 'providers', 'default_model']) {
	my ($path, $table, $column) = @$_;
	subtest "faster by a moment: $table" => sub {
		my $tag = api(GET => $path)->{headers}{etag};
		my $pid = open2(my $out, my $in, 'sqlite3', $g->db);
		print $in "BEGIN IMMEDIATE;\nUPDATE $table SET $column = " .
		    "'other';\nSELECT 'mine';\n";
		$in->flush;
		is(scalar <$out>, "mine\n", 'it has it');
		my $s = $ad->{session};
		my $c = Client->new($ad->port)->request(PATCH =>
		    "/api/v1/$path", { Cookie => $s->{cookie}, 'X-CSRF-Token' =>
		    $s->{csrf}, 'Content-Type' => 'application/json',
		    'If-Match' => $tag }, qq({"$column":"my-own"}));
		select undef, undef, undef, 0.2;	# to read it, if it does
		print $in "COMMIT;\n.exit\n";
		close $in;
		waitpid $pid, 0;
		my $r = $c->response;
		$r->{json} = decode_json($r->{body});
		stale($r, 'the change');
		is(api(GET => $path)->{json}{$column}, 'other',
		    'is not made');
	};
}
$ad->finish;
$g->finish;
done_testing;
