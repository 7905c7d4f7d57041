#!/usr/bin/perl

# The management API: revisions, their diffs, roll-backs, and settings.

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

my $g = Gateway->new(config => "WORKERS: 1\nLOG_DAYS: 20\n" .
    "PROVIDERS:\n  near:\n    dialect: openai-chat\n" .
    "    base_url: http://127.0.0.1:9/v1\n    keyless: true\n");
my $ad = Admind->new($g->{home}, file => $g->{file});
$ad->set_up;

sub call { return $ad->call(@_) }

sub problem {
	my ($r, $status, $field, $name) = @_;

	is($r->{status}, $status, "$name: $status") or diag $r->{body};
	like($r->{headers}{'content-type'}, qr{^application/problem\+json},
	    "$name: a problem");
	is($r->{json}{field}, $field, "$name: names the field");
	ok(length($r->{json}{detail} // ''), "$name: says what is wrong");
}

sub revisions { return @{ call(GET => '/api/v1/revisions' . ($_[0] // ''))
    ->{json}{revisions} } }

subtest 'what becomes a revision' => sub {
	my ($r, @older) = revisions();
	is("$r->{author} $r->{action} $r->{object}", 'root add user root',
	    'the first administrator');
	ok($r->{access} && !$r->{configuration}, 'is one of access');
	my $load = $older[-1];
	is("$load->{author} $load->{action} $load->{object}",
	    'app.yml load app.yml', 'what app.yml says');
	my $d = call(GET => "/api/v1/revisions/$load->{n}")->{json}{diff};
	my ($p) = grep { $_->{kind} eq 'provider' && $_->{name} eq 'near' }
	    @$d;
	is($p->{op}, 'add', 'its providers');
	ok($p->{file}, 'marked as of the file');
	my ($s) = grep { $_->{kind} eq 'setting' && $_->{name} eq 'LOG_DAYS' }
	    @$d;
	is_deeply($s->{fields}, [{ name => 'value', new => 20 }, { name =>
	    'source', new => 'file' }], 'its settings');
	$r = call(POST => '/api/v1/tenants', { name => 'web', rpm => 5 });
	is($r->{status}, 200, 'a tenant') or diag $r->{body};
	my $n = $r->{headers}{revision};
	like($n, qr/^\d+$/, 'an answer says which revision it made');
	is((revisions())[0]{n}, $n, 'and it is that');
	$r = call(PATCH => "/api/v1/tenants/$r->{json}{id}",
	    { budget_day => 12.5 });
	is_deeply(call(GET => "/api/v1/revisions/$r->{headers}{revision}")
	    ->{json}{diff}, [{ kind => 'tenant', name => 'web', op => 'change',
	    fields => [{ name => 'budget_day', old => undef, new => 12.5 }] }],
	    'from what to what');
};

subtest 'a page' => sub {
	my $r = call(GET => '/api/v1/revisions?limit=2');
	is(scalar @{ $r->{json}{revisions} }, 2, 'of two');
	my $next = call(GET =>
	    "/api/v1/revisions?limit=2&before=$r->{json}{next}");
	is($next->{json}{revisions}[0]{n}, $r->{json}{revisions}[1]{n} - 1,
	    'and the next');
	problem(call(GET => '/api/v1/revisions?limit=0'), 400, 'limit', 'none');
	problem(call(GET => '/api/v1/revisions?before=x'), 400, 'before',
	    'no number');
	problem(call(GET => '/api/v1/revisions/99999'), 404, undef,
	    'no such revision');
	problem(call(GET => '/api/v1/revisions/x'), 404, undef, 'no number');
};

subtest 'roll-back' => sub {
	my $key = call(POST => '/api/v1/client-keys', { name => 'laptop' });
	my $at = $key->{headers}{revision};
	my $ask = sub {
		return Client->new($g->port)->request(POST =>
		    '/v1/chat/completions', { Authorization =>
		    "Bearer $key->{json}{key}" }, { model => 'mock-echo',
		    messages => [{ role => 'user', content => 'hi' }] })
		    ->response->{status};
	};
	$g->wait_for(sub { $ask->() == 200 });
	pass('the key is good');
	is(call(DELETE => "/api/v1/client-keys/$key->{json}{id}")->{status},
	    204, 'deleted');
	call(POST => '/api/v1/client-keys', { name => 'another' });
	$g->wait_for(sub { $ask->() == 401 });
	pass('it is not any more');
	my $r = call(POST => "/api/v1/revisions/$at/rollback",
	    { dry_run => JSON::PP::true });
	is($r->{status}, 200, 'what would change') or diag $r->{body};
	is_deeply([map { "$_->{op} $_->{kind} $_->{name}" }
	    @{ $r->{json}{diff} }], ['add client key laptop',
	    'remove client key another'], 'is named');
	is($r->{json}{undone}, 2, 'and how many revisions it takes back');
	ok(!$r->{headers}{revision} && !$r->{json}{revision},
	    'nothing changed yet');
	is($ask->(), 401, 'nothing');
	$r = call(POST => "/api/v1/revisions/$at/rollback", {});
	is($r->{status}, 200, 'done');
	is($r->{json}{revision}, $r->{headers}{revision},
	    'a revision of its own');
	is((revisions())[0]{action}, 'roll back to', 'called that');
	$g->wait_for(sub { $ask->() == 200 });
	pass('the key is good again, with the value that it had');
	$r = call(POST => "/api/v1/revisions/$r->{json}{revision}/rollback",
	    { only => JSON::PP::true });
	is($r->{status}, 200, 'the roll-back, undone') or diag $r->{body};
	$g->wait_for(sub { $ask->() == 401 });
	pass('as before it');
	my ($act) = @{ call(GET => '/api/v1/audit')->{json}{acts} };
	is("$act->{actor} $act->{action}", 'root undo revision', 'audited');
	problem(call(POST => '/api/v1/revisions/99999/rollback', {}), 404,
	    undef, 'to none');
	problem(call(POST => "/api/v1/revisions/$at/rollback", { x => 1 }),
	    422, 'x', 'an unknown member');
	problem(call(POST => "/api/v1/revisions/$at/rollback",
	    { only => 'yes' }), 422, 'only', 'no boolean');
};

subtest 'what somebody else changed' => sub {
	my $r = call(POST => '/api/v1/tenants', { name => 'clash' });
	system('sqlite3', '-cmd', '.timeout 5000', "$g->{home}/proxyd.db",
	    "UPDATE tenants SET rpm = 77 WHERE name = 'clash'") == 0 or die;
	problem(call(POST => "/api/v1/revisions/" .
	    ($r->{headers}{revision} - 1) . '/rollback', {}), 409, undef,
	    'is a conflict');
	is(scalar(grep { $_->{name} eq 'clash' }
	    @{ call(GET => '/api/v1/tenants')->{json}{tenants} }), 1,
	    'and stays');
};

sub setting {
	my ($name) = @_;
	my ($s) = grep { $_->{name} eq $name }
	    @{ call(GET => '/api/v1/settings')->{json}{settings} };
	return $s;
}

subtest 'settings' => sub {
	my $s = setting('LOG_DAYS');
	is("$s->{value} $s->{source} $s->{type} $s->{default}",
	    '20 app.yml integer 30', 'of app.yml');
	is(setting('KEEPALIVE')->{source}, 'default', 'a default');
	is(setting('KEEPALIVE')->{value}, '15s', 'as it is written');
	is(setting('ALLOW_ANONYMOUS')->{fixed} ne '', 1, 'one that is fixed');
	my $r = call(PATCH => '/api/v1/settings', { LOG_DAYS => 7,
	    KEEPALIVE => '2m', LOG_BODIES => 'errors',
	    SERVER_TOOLS => "image_generation: drop\n" });
	is($r->{status}, 200, 'four at once') or diag $r->{body};
	$s = setting('LOG_DAYS');
	is("$s->{value} $s->{source} $s->{file}", '7 database 20',
	    'the database goes before the file, which is told');
	is(setting('KEEPALIVE')->{value}, '2m', 'a duration');
	is(setting('SERVER_TOOLS')->{value}, "image_generation: drop\n",
	    'a map');
	my $n = $r->{headers}{revision};
	is_deeply([sort map { "$_->{name} $_->{fields}[0]{old} " .
	    "$_->{fields}[0]{new}" } grep { $_->{name} ne 'SERVER_TOOLS' }
	    @{ call(GET => "/api/v1/revisions/$n")->{json}{diff} }],
	    ['KEEPALIVE 15s 2m', 'LOG_BODIES none errors', 'LOG_DAYS 20 7'],
	    'one revision');
	problem(call(PATCH => '/api/v1/settings', { LOG_DAYS => 3,
	    RETRY_TRIES => 99 }), 422, 'RETRY_TRIES', 'out of range');
	is(setting('LOG_DAYS')->{value}, 7, 'and nothing is half-saved');
	problem(call(PATCH => '/api/v1/settings', { KEEPALIVE => 'soon' }), 422,
	    'KEEPALIVE', 'no duration');
	problem(call(PATCH => '/api/v1/settings', { LOG_BODIES => 'some' }),
	    422, 'LOG_BODIES', 'no such word');
	problem(call(PATCH => '/api/v1/settings', { NOTHING => 1 }), 422,
	    'NOTHING', 'no such setting');
	problem(call(PATCH => '/api/v1/settings', { PORT => 1 }), 422, 'PORT',
	    'one of a process');
	problem(call(PATCH => '/api/v1/settings', { FETCH_PRIVATE =>
	    JSON::PP::true }), 422, 'FETCH_PRIVATE', 'a fixed one');
	problem(call(PATCH => '/api/v1/settings', { PREFERRED_PROVIDER =>
	    'nobody' }), 422, 'PREFERRED_PROVIDER', 'no such provider');
	problem(call(PATCH => '/api/v1/settings', { LOG_DAYS => [7] }), 422,
	    'LOG_DAYS', 'a list');
	problem(call(PATCH => '/api/v1/settings', { FETCH_TYPES =>
	    "a\x{7}b" }), 422, 'FETCH_TYPES', 'a control character');
	problem(call(PATCH => '/api/v1/settings', { SERVER_TOOLS =>
	    'x: [' }), 422, 'SERVER_TOOLS', 'no YAML');
	is(call(PATCH => '/api/v1/settings', { PREFERRED_PROVIDER => 'near' })
	    ->{status}, 200, 'one that is there');
};

subtest 'a database that another has locked' => sub {
	my $pid = open2(my $out, my $in, 'sqlite3', "$g->{home}/proxyd.db");
	my $before = setting('LOG_DAYS')->{value};
	print $in "BEGIN IMMEDIATE;\nSELECT 'mine';\n";
	$in->flush;
	is(scalar <$out>, "mine\n", 'it has');
	problem(call(PATCH => '/api/v1/settings', { LOG_DAYS => 3 }), 503,
	    undef, 'a change');
	is(setting('LOG_DAYS')->{value}, $before, 'looking still goes');
	print $in "ROLLBACK;\n.exit\n";
	close $in;
	waitpid $pid, 0;
	is(call(PATCH => '/api/v1/settings', { LOG_DAYS => $before })
	    ->{status}, 200, 'and changing, when it is free');
};

subtest 'settings live' => sub {
	my $big = sub {
		return Client->new($g->port)->request(POST =>
		    '/v1/chat/completions', {}, { model => 'mock-echo',
		    messages => [{ role => 'user', content => 'x' x 4000 }] })
		    ->response->{status};
	};
	my $keys = call(GET => '/api/v1/client-keys')->{json}{client_keys};
	call(DELETE => "/api/v1/client-keys/$_->{id}") for @$keys;
	$g->wait_for(sub { $big->() == 200 });
	is(call(PATCH => '/api/v1/settings', { MAX_BODY => '2KiB' })->{status},
	    200, 'bodies of 2 KiB');
	$g->wait_for(sub { $big->() == 413 });
	pass('hold without a restart');
	is(call(PATCH => '/api/v1/settings', { MAX_BODY => undef })->{status},
	    200, 'reset');
	$g->wait_for(sub { $big->() == 200 });
	is(setting('MAX_BODY')->{source}, 'default', 'the default again');
};

subtest 'app.yml and the database' => sub {
	open my $f, '<', $g->{file} or die;
	my $text = do { local $/; <$f> } =~ s/LOG_DAYS: 20/LOG_DAYS: 25/r;
	open $f, '>', $g->{file} or die;
	print $f $text;
	close $f;
	$g->control('reload');
	$g->wait_for(sub { setting('LOG_DAYS')->{file} eq '25' });
	is(setting('LOG_DAYS')->{value}, 7, 'the database still goes before');
	like($g->log_text, qr/LOG_DAYS of app\.yml is not used: .*'7'/, 'as is logged');
	my ($r) = revisions();
	is("$r->{author} $r->{action}", 'app.yml load', 'a revision');
	is_deeply(call(GET => "/api/v1/revisions/$r->{n}")->{json}{diff},
	    [{ kind => 'setting', name => 'LOG_DAYS', op => 'change', fields =>
	    [{ name => 'app.yml', old => 20, new => 25 }] }],
	    'which says what the file says');
	is(call(PATCH => '/api/v1/settings', { LOG_DAYS => undef })->{status},
	    200, 'reset');
	is(setting('LOG_DAYS')->{value}, 25, 'what the file says');
};

subtest 'who may' => sub {
	call(POST => '/api/v1/users', { name => 'guest', password =>
	    'just looking', role => 'viewer' });
	my ($r) = revisions();
	my $root = $ad->{session};
	$ad->log_in('guest', 'just looking');
	is(call(GET => '/api/v1/revisions')->{status}, 200, 'a viewer looks');
	is(call(GET => '/api/v1/settings')->{status}, 200, 'at settings, too');
	problem(call(POST => "/api/v1/revisions/$r->{n}/rollback", {}), 403,
	    undef, 'and rolls nothing back');
	problem(call(PATCH => '/api/v1/settings', { LOG_DAYS => 1 }), 403,
	    undef, 'nor sets');
	$ad->{session} = $root;
	is(call(POST => "/api/v1/revisions/$r->{n}/rollback", { only =>
	    JSON::PP::true })->{status}, 200, 'he is undone');
	is($ad->log_in('guest', 'just looking')->{status}, 401, 'and gone');
	$ad->{session} = $root;
};

$ad->finish;
$g->finish;
done_testing;
