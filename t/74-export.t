#!/usr/bin/perl

# Export and import: all that is configured, from one installation to a fresh
# one, where the imported key serves a request; what is wrong with a file or a
# passphrase.

use strict;
use warnings;
use utf8;
use Admind;
use Client;
use File::Copy qw(copy);
use Gateway;
use JSON::PP;
use Test::More;
use Upstream;

my $pass = 'a long passphrase 中文';
my $secret = 'sk-export-test-0123456789abcdef';
my $up = Upstream->new(sub {
	my ($req) = @_;
	my $ok = ($req->{headers}{authorization} // '') eq "Bearer $secret" &&
	    ($req->{headers}{'x-team'} // '') eq 'team-secret-header';
	return [reply => $ok ? 200 : 401, { 'Content-Type' =>
	    'application/json' }, encode_json($ok ? { id => 'x',
	    object => 'chat.completion', created => 1, model => 'm',
	    choices => [{ index => 0, finish_reason => 'stop', message =>
	    { role => 'assistant', content => 'imported' } }], usage =>
	    { prompt_tokens => 1, completion_tokens => 1, total_tokens => 2 } }
	    : { error => { message => 'no' } })];
});

# Everything of the operator's: some by app.yml, some by the API.
my $g = Gateway->new(config => "WORKERS: 1\nLOG_DAYS: 12\nPROVIDERS:\n" .
    "  far:\n    dialect: openai-chat\n    base_url: " . $up->base . "/v1\n" .
    "    keys: [$secret]\n    headers:\n      X-Team: team-secret-header\n" .
    "MODELS:\n  - route_key: fast\n    target_model: m\n" .
    "    provider: far\n");
my $ad = Admind->new($g->{home}, file => $g->{file});
$ad->set_up;
my $bin = Gateway::bindir() . '/proxyctl';

sub ctl {
	my ($home, @words) = @_;
	my $out = `'$bin' --home '$home' @words 2>&1`;
	is($?, 0, "proxyctl @words") or diag $out;
	return $out;
}

sub done_ok {
	my ($r, $name) = @_;
	cmp_ok($r->{status}, '<', 300, $name) or diag $r->{body};
	return $r;
}

my $tenant = done_ok($ad->call(POST => '/api/v1/tenants', { name => 'Ärzte',
    rpm => 500, budget_month => 12.34, note => "<b>'\"" }), 'a tenant');
my $client = done_ok($ad->call(POST => '/api/v1/client-keys', { name =>
    'laptop', tenant_id => $tenant->{json}{id} }), 'a client key')
    ->{json}{key};
done_ok($ad->call(PUT => '/api/v1/prices', { model => 'm', provider => 'far',
    input => 1.25, output => 3 }), 'a price');
done_ok($ad->call(PATCH => '/api/v1/settings', { KEEPALIVE => '45s' }),
    'a setting');
done_ok($ad->call(POST => '/api/v1/users', { name => 'guest', password =>
    'just looking', role => 'viewer' }), 'a user');
my ($id) = map { $_->{id} } $g->sql("SELECT id FROM keys WHERE source = 'file'");
ctl($g->{home}, "pools create --name best --provider far --key $id");
ctl($g->{home}, 'routes create --name all --target far/m,pool=best ' .
    "--model 'smart*'");
ctl($g->{home}, 'models create --route-key own --target-model m ' .
    '--provider far --pool best');

my $r = done_ok($ad->call(POST => '/api/v1/export', { passphrase => $pass }),
    'exported');
my $file = $r->{json};
is($file->{format}, 'proxyd-export', 'it says what it is');
unlike($r->{body}, qr/\Q$secret\E|team-secret-header|\Q$client\E/,
    'no secret is to be read in it');
for my $hash ($g->sql('SELECT hash FROM client_keys')) {
	unlike($r->{body}, qr/$hash->{hash}/, 'nor its hash');
}
like($r->{headers}{'content-disposition'}, qr/attachment/, 'a file');

sub problem {
	my ($r, $status, $field, $like, $name) = @_;
	is($r->{status}, $status, "$name: $status") or diag $r->{body};
	is($r->{json}{field}, $field, "$name: names the field");
	like($r->{json}{detail} // '', $like, "$name: says what is wrong");
}

problem($ad->call(POST => '/api/v1/export', { passphrase => 'short' }), 422,
    'passphrase', qr/10/, 'a short passphrase');
problem($ad->call(POST => '/api/v1/export', {}), 422, 'passphrase',
    qr/missing/, 'none');

# A fresh one, with a secret.key of its own.
my $g2 = Gateway->new(config => "WORKERS: 1\n");
my $ad2 = Admind->new($g2->{home}, file => $g2->{file});
$ad2->set_up('boss');

sub import_to {
	my ($ad, $file, %o) = @_;
	return $ad->call(POST => '/api/v1/import', { file => $file,
	    passphrase => $pass, %o });
}

sub dump_of {
	my ($g) = @_;
	return join '', map { `sqlite3 $g->{home}/proxyd.db '.dump $_'` }
	    qw(providers provider_headers keys pools models rules tenants
	    client_keys settings users revisions);
}

subtest 'what will not do' => sub {
	my $before = dump_of($g2);
	my $copy = sub { JSON::PP->new->decode(JSON::PP->new->encode($file)) };
	problem(import_to($ad2, $file, passphrase => 'another passphrase'),
	    422, 'passphrase', qr/wrong/, 'a wrong passphrase');
	problem(import_to($ad2, { format => 'x' }), 422, 'file',
	    qr/no export/, 'another file');
	problem(import_to($ad2, 'text'), 422, 'file', qr/JSON object/, 'text');
	my $f = $copy->();
	$f->{version} = 2;
	problem(import_to($ad2, $f), 422, 'file', qr/version 2/, 'a newer one');
	$f = $copy->();
	$f->{data}{rules}[0]{targets}[0]{model} = 'evil';
	problem(import_to($ad2, $f), 422, 'file', qr/changed or damaged/,
	    'a changed one');
	$f = $copy->();
	delete $f->{data}{rules};
	problem(import_to($ad2, $f), 422, 'file', qr/changed or damaged/,
	    'a part of one');
	$f = $copy->();
	$f->{kdf}{rounds} = 1e9;
	problem(import_to($ad2, $f), 422, 'file', qr/kdf/, 'endless rounds');
	$f = $copy->();
	$f->{check} = 'AAAA';
	problem(import_to($ad2, $f), 422, 'passphrase', qr/damaged/,
	    'a damaged check');
	ok(dump_of($g2) eq $before, 'and nothing is half-saved');
};

subtest 'what would change' => sub {
	my $before = dump_of($g2);
	my $r = import_to($ad2, $file, dry_run => JSON::PP::true);
	is($r->{status}, 200, 'is told') or diag $r->{body};
	my %d = map { +"$_->{op} $_->{kind} $_->{name}" => $_ }
	    @{ $r->{json}{diff} };
	ok($d{$_}, $_) for 'add provider far', 'add key sk-e****cdef',
	    'add header X-Team', 'add pool best', 'add model fast',
	    'add model own', 'add rule all', 'add tenant Ärzte',
	    'add client key laptop', 'add price m', 'add user guest',
	    'change setting KEEPALIVE', 'change setting LOG_DAYS';
	unlike($r->{body}, qr/\Q$secret\E|team-secret-header/, 'no secret');
	is_deeply($r->{json}{notes}, [], 'nothing is left to be done');
	ok(dump_of($g2) eq $before, 'and nothing was changed');
};

sub ask {
	my ($g, $model, %h) = @_;
	my $r = Client->new($g->port)->request(POST =>
	    '/v1/chat/completions', \%h, { model => $model, messages =>
	    [{ role => 'user', content => 'hi' }] })->response;
	return $r->{status} . ' ' . ($r->{body} =~ /imported/ ? 'imported' :
	    '');
}

subtest 'a fresh installation' => sub {
	my $r = import_to($ad2, $file);
	is($r->{status}, 200, 'imported') or diag $r->{body};
	my ($rev) = @{ $ad2->call(GET => '/api/v1/revisions')->{json}
	    {revisions} };
	is("$rev->{n} $rev->{author} $rev->{action}",
	    "$r->{headers}{revision} boss import", 'one revision');
	my ($k) = @{ $ad2->call(GET => '/api/v1/client-keys')->{json}
	    {client_keys} };
	is("$k->{name} $k->{tenant}", 'laptop Ärzte', 'a client key');
	my %auth = (Authorization => "Bearer $client");
	ok($g2->known, 'every worker has it');
	is(ask($g2, 'fast', %auth), '200 imported',
	    "the imported provider's key and header serve a request");
	is(ask($g2, 'smart-one', %auth), '200 imported', 'by the rule');
	is(ask($g2, 'own', %auth), '200 imported', 'and the pool');
	is(ask($g2, 'fast', Authorization => "Bearer ${client}x"), '401 ',
	    'not with another client key');
	my ($t) = @{ $ad2->call(GET => '/api/v1/tenants')->{json}{tenants} };
	is("$t->{name} $t->{rpm} $t->{budget_month} $t->{note}",
	    "Ärzte 500 12.34 <b>'\"", 'the tenant');
	my %s = map { $_->{name} => $_->{value} } @{ $ad2->call(GET =>
	    '/api/v1/settings')->{json}{settings} };
	is("$s{KEEPALIVE} $s{LOG_DAYS}", '45s 12', 'settings');
	my $boss = $ad2->{session};
	is($ad2->log_in('guest', 'just looking')->{status}, 200, 'a user');
	$ad2->{session} = $boss;
	$r = import_to($ad2, $file, dry_run => JSON::PP::true);
	is_deeply([map { "$_->{op} $_->{kind} $_->{name}" }
	    @{ $r->{json}{diff} }], [], 'a second time changes nothing');
	$r = $ad2->call(POST => "/api/v1/revisions/$rev->{n}/rollback",
	    { only => JSON::PP::true, dry_run => JSON::PP::true });
	is($r->{status}, 200, 'it could be undone') or diag $r->{body};
	is(scalar(grep { $_->{op} eq 'remove' } @{ $r->{json}{diff} }), 13,
	    'all of it');
};

subtest 'replace' => sub {
	done_ok($ad2->call(POST => '/api/v1/tenants', { name => 'other' }),
	    'one more');
	ctl($g2->{home}, 'models create --route-key extra --target-model m ' .
	    '--provider far');
	my ($k) = @{ $ad2->call(GET => '/api/v1/client-keys')->{json}
	    {client_keys} };
	done_ok($ad2->call(DELETE => "/api/v1/client-keys/$k->{id}"),
	    'one less');
	my $r = import_to($ad2, $file, replace => JSON::PP::true);
	is($r->{status}, 200, 'replaced') or diag $r->{body};
	is_deeply([sort map { "$_->{op} $_->{kind} $_->{name}" }
	    @{ $r->{json}{diff} }], ['add client key laptop',
	    'remove model extra', 'remove tenant other'],
	    'what was not in the file is gone');
	$g2->wait_for(sub { ask($g2, 'fast', Authorization =>
	    "Bearer $client") eq '200 imported' });
	pass('a client key that was deleted here is good again');
	$r = $ad2->call(POST => '/api/v1/revisions/' .
	    ($r->{headers}{revision} - 1) . '/rollback', {});
	is($r->{status}, 200, 'and comes back') or diag $r->{body};
	is(scalar @{ $ad2->call(GET => '/api/v1/tenants')->{json}{tenants} },
	    2, 'both');
};

subtest 'the same secret.key' => sub {
	my $g3 = Gateway->new(config => "WORKERS: 1\n", stopped => 1);
	copy("$g->{home}/secret.key", "$g3->{home}/secret.key") or die;
	chmod 0600, "$g3->{home}/secret.key";
	$g3->start;
	my $ad3 = Admind->new($g3->{home}, file => $g3->{file});
	$ad3->set_up('boss');
	my $r = import_to($ad3, $file);
	is($r->{status}, 200, 'imported') or diag $r->{body};
	is_deeply($r->{json}{notes}, [], 'nothing is left to be done');
	my %auth = (Authorization => "Bearer $client");
	ok($g3->known, 'every worker has it');
	is(ask($g3, 'fast', %auth), '200 imported',
	    'client keys go on as they were');
	$ad3->finish;
	$g3->finish;
};

$_->finish for $ad, $ad2, $g, $g2;
done_testing;
