#!/usr/bin/perl

# Another program holds the database's lock: who only looks is served as ever,
# who changes something waits, and admind's one thread does not.

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
use Time::HiRes qw(time);

my $g = Gateway->new(config => "WORKERS: 1\n");
my $ad = Admind->new($g->{home}, file => $g->{file});
$ad->set_up('boss');

# The lock, held by the sqlite3 shell until the object's end.
sub locked {
	my $pid = open2(my $out, my $in, 'sqlite3', '-cmd', '.timeout 5000',
	    $g->db);
	$in->autoflush(1);
	print $in "BEGIN IMMEDIATE; SELECT 'held';\n";
	is(scalar <$out>, "held\n", 'the lock is held');
	return sub {
		print $in "COMMIT;\n";
		close $in;
		waitpid $pid, 0;
	};
}

# A request whose answer is not waited for.
sub begin {
	my ($method, $path, $body) = @_;
	my $s = $ad->{session};
	my $c = Client->new($ad->port);

	$c->request($method, "/api/v1/$path", { Cookie => $s->{cookie},
	    'X-CSRF-Token' => $s->{csrf} }, $body);
	return $c;
}

sub json_of { decode_json($_[0]{body}) }

# Who stands behind the lock waits 5 s; a slow machine is not it.
my $soon = 3;

sub timed {
	my ($name, $most, $f) = @_;
	my $start = time;
	my $r = $f->();

	cmp_ok(time - $start, '<', $most, "$name: at once");
	return $r;
}

sub looked_at {
	for (qw(providers keys stats logs audit revisions session)) {
		my $r = timed("GET $_", $soon, sub { $ad->call(GET =>
		    "/api/v1/$_") });
		is($r->{status}, 200, '... and it is there') or
		    diag $r->{body};
	}
	is(timed('healthz', $soon, sub { $ad->get('/healthz') })->{status}, 200,
	    'alive');
	is(timed('dry run', $soon, sub { $ad->call(POST => '/api/v1/dry-run',
	    { dialect => 'openai-chat', body => { model => 'mock-echo',
	    messages => [ { role => 'user', content => 'x' } ] } }) })
	    ->{status}, 200, 'what changes nothing needs no lock');
}

sub tenants {
	return map { $_->{name} } @{ $ad->call(GET => '/api/v1/tenants')
	    ->{json}{tenants} };
}

subtest 'a change waits' => sub {
	# Marked as used a while ago, it is to be marked again.
	$g->sql('UPDATE sessions SET used_us = used_us - 120000000');
	my $free = locked();
	my $c = begin(POST => 'tenants', { name => 'waits' });
	my $d = begin(POST => 'keys', { provider => 'openai', key =>
	    'sk-waits-0001' });
	looked_at();
	is_deeply([tenants()], [], 'nothing is changed yet');
	$free->();
	my $r = timed('then', 3, sub { $c->response });
	is($r->{status}, 200, 'the change') or diag $r->{body};
	is_deeply([tenants()], ['waits'], '... is made, once');
	like($d->response->{status}, qr/^(201|422)$/, 'another one, too');
	my $s = timed('a session', $soon, sub { $ad->call(GET =>
	    '/api/v1/session') })->{json};
	is($s->{user}{name}, 'boss', 'goes on');
	my ($used) = $g->sql('SELECT max(used_us) AS us FROM sessions');
	cmp_ok($used->{us}, '>', (time - 60) * 1e6, '... and is marked');
};

subtest 'not for ever' => sub {
	my $free = locked();
	my $start = time;
	my $c = begin(POST => 'tenants', { name => 'too long' });
	looked_at();
	my $r = $c->response;
	cmp_ok(time - $start, '>', 4.5, 'it waited');
	is($r->{status}, 503, 'and is refused');
	like($r->{headers}{'content-type'}, qr{^application/problem\+json},
	    '... by a problem');
	like(json_of($r)->{detail}, qr/locked by another.*nothing was changed/,
	    '... that says why');
	$free->();
	is_deeply([tenants()], ['waits'], '... and it is so');
	is($ad->call(POST => '/api/v1/tenants', { name => 'again' })->{status},
	    200, 'it can be tried again');
};

subtest 'who leaves' => sub {
	my $free = locked();
	my $c = begin(POST => 'tenants', { name => 'left' });
	is($ad->get('/healthz')->{status}, 200, 'it has begun');
	$c->close;
	my $d = begin(POST => 'tenants', { name => 'stays' });
	is($ad->get('/healthz')->{status}, 200, 'another one');
	$free->();
	is($d->response->{status}, 200, 'who stays is served');
	is_deeply([sort(tenants())], [qw(again stays waits)],
	    'for the other one nothing is changed');
};

subtest 'many' => sub {
	my $free = locked();
	my @c = map { begin(POST => 'tenants', { name => "t$_" }) } 1 .. 80;
	looked_at();
	$free->();
	my %n;
	for (@c) {
		my $r = $_->response;
		$n{ $r->{status} }++;
		like(json_of($r)->{detail}, qr/locked by another/, 'too many')
		    if $r->{status} == 503;
	}
	is_deeply(\%n, { 200 => 64, 503 => 16 }, '64 wait, no more');
	is(scalar(grep { /^t\d/ } tenants()), 64, 'each is made');
};

subtest 'the audit log' => sub {
	my $pw = 'a long password';
	is($ad->call(POST => '/api/v1/users', { name => 'eve', role =>
	    'viewer', password => $pw })->{status}, 201, 'a viewer');
	my $boss = $ad->{session};
	$ad->log_in('eve', $pw);
	my $eve = $ad->{session};
	my $free = locked();
	my $r = timed('what eve may not', $soon, sub { $ad->call(POST =>
	    '/api/v1/tenants', { name => 'eve' }) });
	is($r->{status}, 403, '... she is told');
	$ad->{session} = $boss;
	my $c = begin(POST => 'session', { name => 'eve', password => 'no' });
	looked_at();
	$free->();
	is($c->response->{status}, 401, 'a wrong password');
	my $audit = sub {
		return map { "$_->{action}: $_->{detail}" } @{ $ad->call(GET =>
		    '/api/v1/audit')->{json}{acts} };
	};
	ok($g->wait_for(sub { grep { /^POST: not allowed/ } $audit->() }),
	    'what she tried stands there') or diag join "\n", $audit->();
	ok((grep { /^log in: wrong name/ } $audit->()), 'that, too');
};

subtest 'the end' => sub {
	my $free = locked();
	my $c = begin(POST => 'tenants', { name => 'never' });
	is($ad->get('/healthz')->{status}, 200, 'it has begun');
	my $start = time;
	$ad->finish;
	cmp_ok(time - $start, '<', 4, 'does not wait for the lock');
	is($c->response->{status}, 503, 'who waits is told');
	$free->();
};

$g->finish;
done_testing;
