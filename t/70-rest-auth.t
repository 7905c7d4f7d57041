#!/usr/bin/perl

# The management API: set-up, log-in, sessions, CSRF, roles, tokens, the audit
# log, and what it says to bad input.

use strict;
use warnings;
use utf8;
use Admind;
use Client;
use Gateway;
use JSON::PP;
use Test::More;

my $g = Gateway->new(config => "WORKERS: 1\n");
my $ad = Admind->new($g->{home}, file => $g->{file});

sub problem {
	my ($r, $status, $field, $name) = @_;

	is($r->{status}, $status, "$name: $status") or diag $r->{body};
	like($r->{headers}{'content-type'}, qr{^application/problem\+json},
	    "$name: a problem");
	is($r->{json}{field}, $field, "$name: names the field");
	ok($r->{json}{detail} && $r->{json}{title} &&
	    $r->{json}{status} == $status, "$name: says what is wrong");
	unlike($r->{body}, qr/correct horse|$_/, "$name: repeats no secret")
	    for $ad->setup_token || 'none-such';
}

subtest 'set-up' => sub {
	my $file = "$g->{home}/setup.token";
	is((stat $file)[2] & 07777, 0600, 'the token is for its owner alone');
	like($ad->setup_token, qr/^\w{24}$/, 'and random');
	my $r = $ad->call(GET => '/api/v1/session');
	is_deeply($r->{json}, { user => undef, setup_needed => JSON::PP::true },
	    'nobody yet');
	problem($ad->call(GET => '/api/v1/users'), 403, undef, 'all else');
	problem($ad->call(POST => '/api/v1/setup', { token => 'x' x 24,
	    name => 'root', password => 'long enough!' }), 403, 'token',
	    'a wrong token');
	problem($ad->call(POST => '/api/v1/setup', { token =>
	    $ad->setup_token, name => 'root', password => 'short' }), 422,
	    'password', 'a short password');
	problem($ad->call(POST => '/api/v1/setup', { token =>
	    $ad->setup_token, name => 'a b', password => 'long enough!' }),
	    422, 'name', 'a bad name');
	problem($ad->call(POST => '/api/v1/setup', { token => 1, name => 'a',
	    password => 'long enough!' }), 422, 'token', 'a number');
	problem($ad->call(POST => '/api/v1/setup', { name => 'root',
	    password => 'long enough!' }), 422, 'token', 'none');
	is($ad->set_up->{status}, 200, 'the right one');
	ok(!-e $file, 'which is of no more use');
	problem($ad->call(POST => '/api/v1/setup', { token => 'x',
	    name => 'r2', password => 'long enough!' }), 409, undef,
	    'a second time');
};

subtest 'sessions' => sub {
	my $r = $ad->call(GET => '/api/v1/session');
	is($r->{json}{user}{name}, 'root', 'who I am');
	is($r->{json}{user}{role}, 'admin', 'what I may');
	my $s = { %{ $ad->{session} } };
	$r = $ad->log_in('root', 'correct horse');
	my $c = $r->{headers}{'set-cookie'};
	like($c, qr/; HttpOnly/, 'the cookie: HttpOnly');
	like($c, qr/; SameSite=Strict/, 'SameSite');
	isnt($ad->{session}{cookie}, $s->{cookie}, 'another session');
	is($ad->call(GET => '/api/v1/users', undef, Cookie => $s->{cookie})
	    ->{status}, 200, 'the first one lives');
	problem($ad->call(DELETE => '/api/v1/session', undef,
	    'X-CSRF-Token' => undef), 403, undef, 'no CSRF token');
	problem($ad->call(DELETE => '/api/v1/session', undef,
	    'X-CSRF-Token' => $s->{csrf}), 403, undef, "another session's");
	problem($ad->call(GET => '/api/v1/users', undef,
	    Origin => 'http://evil.example'), 403, undef, 'another origin');
	is($ad->call(GET => '/api/v1/users', undef, Origin =>
	    "http://127.0.0.1:$ad->{port}", Host => "127.0.0.1:$ad->{port}")
	    ->{status}, 200, 'our own');
	is($ad->call(DELETE => '/api/v1/session')->{status}, 204, 'log out');
	problem($ad->call(GET => '/api/v1/users'), 401, undef, 'it is over');
	$ad->{session} = { cookie => 'proxyd_session=' . 'x' x 24,
	    csrf => 'x' };
	problem($ad->call(GET => '/api/v1/users'), 401, undef, 'invented');
	my ($n) = $g->sql("SELECT count(*) AS n FROM sessions
	    WHERE hash LIKE '%" . substr($s->{cookie}, -24) . "%'");
	is($n->{n}, 0, 'the database has no session that could be used');
	$ad->{session} = $s;
	is($ad->call(GET => '/api/v1/users')->{status}, 200,
	    'the first one still lives');
};

subtest 'roles' => sub {
	my $root = $ad->{session};
	my $r = $ad->call(POST => '/api/v1/users', { name => 'guest',
	    password => 'just looking', role => 'viewer' });
	is($r->{status}, 201, 'a viewer') or diag $r->{body};
	my $id = $r->{json}{id};
	problem($ad->call(POST => '/api/v1/users', { name => 'GUEST',
	    password => 'just looking', role => 'viewer' }), 409, 'name',
	    'the same name');
	problem($ad->call(POST => '/api/v1/users', { name => 'x',
	    password => 'just looking', role => 'root' }), 422, 'role',
	    'no such role');
	problem($ad->call(POST => '/api/v1/users', { name => 'x',
	    password => 'just looking', role => 'viewer', admin => 1 }), 422,
	    'admin', 'an unknown member');
	is($ad->log_in('guest', 'just looking')->{status}, 200, 'he logs in');
	is($ad->call(GET => '/api/v1/logs')->{status}, 200, 'and looks');
	problem($ad->call(GET => '/api/v1/users'), 403, undef, 'not at users');
	problem($ad->call(POST => '/api/v1/users', { name => 'x',
	    password => 'just looking', role => 'admin' }), 403, undef,
	    'and makes none');
	my $guest = $ad->{session};
	$ad->{session} = $root;
	is($ad->call(PATCH => "/api/v1/users/$id", { enabled =>
	    JSON::PP::false })->{status}, 204, 'disabled');
	$ad->{session} = $guest;
	problem($ad->call(GET => '/api/v1/logs'), 401, undef,
	    'his session ends');
	problem($ad->log_in('guest', 'just looking'), 401, undef,
	    'he cannot log in');
	$ad->{session} = $root;
	my ($me) = grep { $_->{name} eq 'root' }
	    @{ $ad->call(GET => '/api/v1/users')->{json}{users} };
	problem($ad->call(PATCH => "/api/v1/users/$me->{id}",
	    { role => 'viewer' }), 409, undef, 'the last administrator');
	problem($ad->call(DELETE => "/api/v1/users/$me->{id}"), 409, undef,
	    'stays');
	is($ad->call(DELETE => "/api/v1/users/$id")->{status}, 204,
	    'the other goes');
	problem($ad->call(DELETE => "/api/v1/users/$id"), 404, undef, 'once');
};

subtest 'tokens for programs' => sub {
	my $r = $ad->call(POST => '/api/v1/tokens', { name => 'monitor',
	    role => 'viewer', days => 30 });
	is($r->{status}, 201, 'made') or diag $r->{body};
	my $token = $r->{json}{token};
	like($token, qr/^padm-\w{24}$/, 'shown');
	my $root = delete $ad->{session};
	my %auth = (Authorization => "Bearer $token");
	is($ad->call(GET => '/api/v1/status', undef, %auth)->{status}, 200,
	    'used');
	problem($ad->call(POST => '/api/v1/users', { name => 'x' }, %auth),
	    403, undef, 'a viewer');
	problem($ad->call(GET => '/api/v1/status', undef, Authorization =>
	    'Bearer padm-' . 'x' x 24), 401, undef, 'an unknown one');
	$ad->{session} = $root;
	my $list = $ad->call(GET => '/api/v1/tokens');
	unlike($list->{body}, qr/$token/, 'never shown again');
	unlike(encode_json([$g->sql('SELECT * FROM api_tokens')]),
	    qr/$token/, 'nor kept');
	my ($t) = @{ $list->{json}{tokens} };
	is($ad->call(DELETE => "/api/v1/tokens/$t->{id}")->{status}, 204,
	    'deleted');
	delete $ad->{session};
	problem($ad->call(GET => '/api/v1/status', undef, %auth), 401, undef,
	    'and of no use');
	$ad->{session} = $root;
};

subtest 'bad input' => sub {
	problem($ad->call(POST => '/api/v1/users', '{"name":'), 400, undef,
	    'no JSON');
	problem($ad->call(POST => '/api/v1/users', '[]'), 400, undef,
	    'no object');
	problem($ad->call(POST => '/api/v1/users', '{"name":"a","name":"b"}'),
	    400, undef, 'a name twice');
	problem($ad->call(POST => '/api/v1/users', '{}', 'Content-Type' =>
	    'text/plain'), 415, undef, 'not said to be JSON');
	my $r = $ad->call(POST => '/api/v1/users', '{"name":"' .
	    'x' x 1100000 . '"}');
	is($r->{status}, 413, 'too large');
	problem($ad->call(GET => '/api/v1/nothing'), 404, undef, 'no path');
	$r = $ad->call(PUT => '/api/v1/users', {});
	problem($r, 405, undef, 'no such method');
	is($r->{headers}{allow}, 'GET, HEAD, POST', 'the others');
	problem($ad->call(GET => '/api/v1/users/%zz'), 404, undef, 'encoding');
	problem($ad->call(PATCH => "/api/v1/users/-1", {}), 404, undef,
	    'no number');
	for my $path ('/api/v1//users', '/api/v1/users/', '/API/v1/users',
	    '/api/v1/users;x', '/api/v1/%75sers', '/api/v1/../v1/users') {
		is($ad->call(GET => $path)->{status}, 404, "$path: 404");
	}
	is($ad->call(GET => '/api/v1/users', undef, Host => 'evil.example')
	    ->{status}, 403, 'another Host');
};

subtest 'the audit log' => sub {
	my $r = $ad->call(GET => '/api/v1/audit');
	my @acts = @{ $r->{json}{acts} };
	my %seen = map { $_->{action} . ($_->{ok} ? '' : ' refused') => $_ }
	    @acts;
	ok($seen{$_}, $_) for 'set up', 'set up refused', 'log in',
	    'log in refused', 'log out', 'add user', 'change user',
	    'delete user', 'add token', 'delete token', 'POST refused';
	is($seen{'add user'}{actor}, 'root', 'who');
	is($seen{'add user'}{object}, 'guest', 'what');
	unlike($r->{body}, qr/correct horse|just looking/, 'no password');
	$r = $ad->call(GET => '/api/v1/audit?limit=3');
	is(scalar @{ $r->{json}{acts} }, 3, 'a page');
	my $next = $ad->call(GET => '/api/v1/audit?limit=3&before=' .
	    $r->{json}{next});
	ok($next->{json}{acts}[0]{id} < $r->{json}{acts}[2]{id}, 'the next');
	problem($ad->call(GET => '/api/v1/audit?limit=x'), 400, 'limit',
	    'a bad limit');
	like(`sqlite3 $g->{home}/proxyd.db 'DELETE FROM audit' 2>&1`,
	    qr/append-only/, 'nothing is deleted from it');
};

subtest 'tries are limited' => sub {
	my %n;
	$n{$ad->log_in('root', "wrong password $_")->{status}}++ for 1 .. 12;
	ok($n{401} && $n{429} >= 6, 'after some tries one has to wait');
	my $r = $ad->log_in('root', 'correct horse');
	is($r->{status}, 429, 'also with the right one');
	cmp_ok($r->{headers}{'retry-after'}, '>', 0, 'it says how long');
};

$ad->finish;
$g->finish;
done_testing;
