#!/usr/bin/perl

# proxyctl's words over tenants, client keys, prices, users, tokens and the audit
# log; re-pricing of what is logged.

use strict;
use warnings;
use Client;
use Ctl;
use Gateway;
use JSON::PP;
use Pty;
use Scripts;
use Test::More;
use Time::HiRes qw(time sleep);
use Upstream;

plan skip_all => 'proxyctl is not built' unless -x ctl_program;

sub dump_of { my $home = $_[0]->home; return `sqlite3 $home/proxyd.db .dump` }

subtest 'tenants and client keys' => sub {
	my $ctl = Ctl->new;
	$ctl->does('a tenant', qw(tenants create --name team --rpm 60
	    --budget-day 2.5 --budget-total 0.000001 --model gpt-* --model
	    claude-* --route /v1/* --note), '团队');
	my $t = $ctl->json('tenants show', qw(tenants show team));
	is("$t->{rpm} $t->{tpm} $t->{budget_day} @{ $t->{models} } " .
	    "@{ $t->{routes} }", '60 0 2.5 gpt-* claude-* /v1/*', 'members');
	cmp_ok(abs($t->{budget_total} - 0.000001), '<', 1e-12,
	    'a millionth of a dollar');
	ok(!defined $t->{budget_month}, 'no budget is null');
	$ctl->does('update', qw(tenants update team --budget-day none
	    --budget-month 100 --model), '');
	$t = $ctl->json('tenants show', qw(tenants show team));
	is("$t->{rpm} $t->{budget_month} " . @{ $t->{models} }, '60 100 0',
	    'what is given changes, the rest stays');
	ok(!defined $t->{budget_day}, 'none');
	my ($out, $err) = $ctl->does('a client key', qw(client-keys create
	    --name ci --tenant team --expires 30d));
	like($out, qr/^(sk-proxy-\w{24})\nIt is shown this once only\.$/m,
	    'its value is shown');
	like($err, qr/from now on every request needs a client key/,
	    'what the first one means is said');
	my ($plain) = $out =~ /(sk-proxy-\w+)/;
	my $k = $ctl->json('client-keys show', qw(client-keys show ci));
	is("$k->{tenant} $k->{mask}", 'team sk-proxy-****' .
	    substr($plain, -4), 'tenant and mask');
	unlike($ctl->does('list', qw(client-keys list --json)) .
	    dump_of($ctl), qr/\Q$plain\E/, 'it is shown and kept nowhere');
	my $j = $ctl->json('another as JSON', qw(client-keys create --name
	    two));
	like($j->{key}, qr/^sk-proxy-\w{24}$/, 'with its value');
	my $again = $ctl->json('rotate', qw(client-keys rotate two --grace
	    1h));
	isnt($again->{key}, $j->{key}, 'another value');
	like($again->{old_until}, qr/^\d{4}-/, 'the old one is good for long');

	$ctl->does('a key of its own', qw(keys add --provider openai --api-key
	    sk-own-0123456789abcdef --tenant team));
	is($ctl->json('keys show', qw(keys show 1))->{tenant}, 'team',
	    'is shown');
	$ctl->does('another change', qw(keys update 1 --note x));
	is($ctl->json('keys show', qw(keys show 1))->{tenant}, 'team',
	    'leaves it');
	$ctl->does('nobody\'s', qw(keys update 1 --tenant), '');
	is($ctl->json('keys show', qw(keys show 1))->{tenant}, '',
	    'is shown');
	$ctl->does('its own again', qw(keys update 1 --tenant Team));

	my $before = dump_of($ctl);
	for (
		[ qr/keys update: --tenant: there is no tenant 'x'/, qw(keys
		  update 1 --tenant x) ],
		[ qr/tenants create: --name: must be 1 to 64/, qw(tenants
		  create --rpm 1) ],
		[ qr/--name: is another tenant's/, qw(tenants create --name
		  Team) ],
		[ qr/--rpm: must be from 0 to/, qw(tenants create --name x
		  --rpm -1) ],
		[ qr/--budget-day 'lots': expected dollars such as 2\.50/,
		  qw(tenants create --name x --budget-day lots) ],
		[ qr/--budget-day '-1': expected dollars/, qw(tenants create
		  --name x --budget-day -1) ],
		[ qr/--rpm 'many': expected a whole number$/, qw(tenants
		  create --name x --rpm many) ],
		[ qr/budget_day: expected dollars/, qw(tenants create --name x
		  --set budget_day="free") ],
		[ qr/^proxyctl: rpm: expected a whole number/, qw(tenants
		  create --name x --set rpm=1.5) ],
		[ qr/models: expected a list/, qw(tenants create --name x
		  --set models=x) ],
		[ qr/colour: unknown member of a tenant/, qw(tenants update
		  team --set colour=1) ],
		[ qr/there is no tenant 'tem', did you mean 'team'/,
		  qw(client-keys create --name x --tenant tem) ],
		[ qr/there is no client key 'tow', did you mean 'two'/,
		  qw(client-keys rotate tow) ],
		[ qr/--grace 'long': expected a time such as/, qw(client-keys
		  rotate two --grace long) ],
		[ qr/grace: must be from 0/, qw(client-keys rotate two
		  --grace 100w) ],
		[ qr/nothing to change is given/, qw(client-keys update two) ],
	) {
		my ($re, @args) = @$_;
		$ctl->refused($re, "@args", @args);
	}
	is(dump_of($ctl), $before, 'nothing of it is in the database');
	$ctl->does('disable', qw(client-keys disable ci two));
	is(scalar(grep { $_->{enabled} } @{ $ctl->json('list',
	    qw(client-keys list)) }), 0, 'both are');
	$ctl->does('delete', qw(client-keys delete two));
	($out, $err) = $ctl->does('delete a tenant', qw(tenants delete team));
	is_deeply($ctl->json('list', qw(client-keys list)), [],
	    'its client keys went with it');
	$ctl->does('its own key', qw(keys enable 1));
	my $home = $ctl->home;
	is(`sqlite3 $home/proxyd.db 'SELECT tenant_id FROM keys WHERE id = 1'`,
	    "$t->{id}\n", 'does not become everybody\'s');
	like($err, qr/no client key is left/, 'the last ones');
	my $yml = $ctl->spew('app.yml', "HOST: 0.0.0.0\nPORT: 0\n");
	like($ctl->does('check', 'check', '--config', $yml),
	    qr/^warning: HOST is 0\.0\.0\.0, but no client key/m,
	    'check warns of a HOST for nobody');
	$ctl->does('a client key', qw(client-keys create --name again));
	unlike($ctl->does('check', 'check', '--config', $yml),
	    qr/no client key/, 'which with a client key is not so');
	$ctl->does('delete it', qw(client-keys delete again));
	like($ctl->does('list', qw(client-keys list)),
	    qr/^none: requests of this machine are served/, 'and what that '
	    . 'means is said');
};

subtest 'users, tokens, audit' => sub {
	my $ctl = Ctl->new;
	my ($r, $out, $err) = $ctl->feed("longenough1\n", qw(users add alice));
	like($err, qr/first user must be an administrator/, 'a first viewer');
	($r, $out, $err) = $ctl->feed("short\n", qw(users add alice --role
	    admin));
	is($r, 1, 'a short password');
	like($err, qr/the password must have 10 characters or more/, 'why');
	$ctl->spew('token', '');
	my $link = $ctl->home . '/setup.token';
	rename $ctl->dir . '/token', $link or die;
	($r, $out, $err) = $ctl->feed("longenough1\n", qw(users add alice
	    --role admin));
	is($r, 0, 'an administrator') or diag $err;
	ok(!-e $link, 'the set-up link is no more');
	my $file = $ctl->spew('password', "longenough2\n");
	$ctl->does('a viewer', qw(users add bob --password-file), $file);
	my $u = $ctl->json('users list', qw(users list));
	is(join(' ', map { "$_->{name}:$_->{role}" } @$u),
	    'alice:admin bob:viewer', 'both');
	# As a person does it.
	my $t = Pty->new(80, 24, ctl_program, '--home', $ctl->home, qw(users
	    password bob));
	if ($t) {
		ok(defined $t->until_match(qr/password: /), 'is asked for');
		ok(!$t->echoes, 'without an echo');
		$t->type("longenough3\n");
		ok(defined $t->until_match(qr/again: /), 'twice');
		$t->type("longenough4\n");
		is($t->status, 1, 'two that differ');
		like($t->{seen}, qr/the two differ/, 'are refused');
		unlike($t->{seen}, qr/longenough/, 'neither is shown');
		ok($t->echoes, 'the echo is back');
		$t = Pty->new(80, 24, ctl_program, '--home', $ctl->home,
		    qw(keys add --provider openai --api-key -));
		ok(defined $t->until_match(qr/key: /), 'a key is asked for');
		ok(!$t->echoes, 'without an echo');
		$t->type("sk-typed-0123456789abcdef\n");
		is($t->status, 0, 'and added');
		unlike($t->{seen}, qr/sk-typed-/, 'and not shown');
	}
	for ([ qr/is the last administrator/, qw(users delete alice) ],
	    [ qr/is the last administrator/, qw(users disable alice) ],
	    [ qr/is the last administrator/, qw(users role alice --role
	      viewer) ],
	    [ qr/there is no user 'carol'/, qw(users delete carol) ],
	    [ qr/there is a user 'Bob' already/, qw(users add Bob
	      --password-file), $file ],
	    [ qr/name 'a b': must be 1 to 64 characters/, 'users', 'add',
	      'a b' ],
	    [ qr/--role 'root': expected admin\|viewer/, qw(users role bob
	      --role root) ],
	    [ qr/there is no set-up link/, qw(users link) ]) {
		my ($re, @args) = @$_;
		$ctl->refused($re, "@args", @args);
	}
	$ctl->does('role', qw(users role bob --role admin));
	$ctl->does('now another may go', qw(users disable alice));
	$ctl->does('password', qw(users password bob --password-file), $file);
	$ctl->does('enable', qw(users enable alice));
	$ctl->does('delete', qw(users delete alice));
	like($ctl->does('a token', qw(tokens create ci --expires 1d)),
	    qr/^padm-\w{24}$/m, 'is shown');
	$ctl->refused(qr/there is a token 'ci' already/, 'again', qw(tokens
	    create ci));
	is($ctl->json('list', qw(tokens list))->[0]{role}, 'viewer', 'role');
	$ctl->does('delete', qw(tokens delete ci));
	my $acts = $ctl->json('audit', qw(audit --limit 4));
	my $user = getpwuid $<;
	is_deeply([ map { "$_->{actor} $_->{client} $_->{action} " .
	    $_->{object} } @$acts ], [ map { "$user (shell) proxyctl $_" }
	    'delete token ci', 'add token ci', 'delete user alice',
	    'enable user alice' ], 'the latest first');
	unlike(dump_of($ctl), qr/longenough|padm-\w{24}/, 'no secret is kept');
};

sub ask {
	my ($g, $model, $key) = @_;
	return Client->once($g->port, POST => '/v1/chat/completions',
	    { defined $key ? (Authorization => "Bearer $key") : () },
	    { model => $model, messages => [ { role => 'user',
	    content => 'hi there' } ] })->{status};
}

# Until it answers so; how long that took.
sub until_status {
	my ($want, @ask) = @_;
	my $t0 = time;
	while (ask(@ask) != $want && time - $t0 < 5) { sleep 0.02 }
	return time - $t0;
}

subtest 'running workers, prices, re-pricing' => sub {
	my $up = Upstream->new(\&answer_for);
	my $g = Gateway->new(config => <<"EOT", args => ['-w', 2]);
PORT: 0
PROVIDERS:
  own: { dialect: openai-chat, base_url: "@{[ $up->base ]}/v1", keyless: true }
MODELS:
  - { route_key: own-1, target_model: own-1, provider: own }
EOT
	my $ctl = Ctl->new($g->{home});
	my $one = sub { ($g->sql("SELECT ($_[0]) AS v"))[0]{v} };
	is(ask($g, 'own-1'), 200, 'without client keys, this machine');
	is(ask($g, 'own-1'), 200, 'and again') for 1 .. 3;
	$g->settled;
	like($ctl->does('the built-in prices', qw(prices list)), qr/built in/,
	    'are shown');
	is($one->('SELECT sum(cost < 0) FROM requests'), 4,
	    'what has no price is unpriced');
	my $j = $ctl->json('a dry run', qw(prices reprice --dry-run));
	is("$j->{matched} $j->{changed} $j->{no_price}", '4 0 4',
	    'nothing would change');
	like($ctl->does('a price', qw(prices set own-* --input 1.5 --output
	    2 --cache-read 0.5 --source test)), qr/prices reprice applies it/,
	    'is set');
	$j = $ctl->json('re-pricing', qw(prices reprice));
	is("$j->{changed} $j->{priced} $j->{no_price}", '4 4 0', 'all four');
	ok($j->{complete}, 'complete');
	my $sum = $one->('SELECT sum(cost) FROM requests');
	is($sum, $one->('SELECT sum((max(input, 0) * 1500000 + '
	    . 'max(output, 0) * 2000000 + max(cache_read, 0) * 500000 + '
	    . '999999) / 1000000) FROM requests'), 'by their tokens');
	cmp_ok(abs($j->{after} - $sum / 1e6), '<', 1e-9, 'and said');
	for my $period (60, 3600, 86400) {
		is($one->("SELECT sum(cost) || ' ' || sum(unpriced) FROM "
		    . "rollups WHERE dim = 1 AND period = $period"), "$sum 0",
		    "roll-ups of $period s");
	}
	my $t0 = time;
	my $last;
	do {
		ask($g, 'own-1');
		$g->settled;
		$last = $one->('SELECT cost FROM requests ORDER BY id DESC '
		    . 'LIMIT 1');
	} while $last < 0 && time - $t0 < 5;
	cmp_ok(time - $t0, '<', 1.5, 'workers have the price');
	is($last * 4, $sum, 'and count what re-pricing does');
	my $all = $one->('SELECT count(*) FROM requests');
	my ($builtin) = grep { $_->{builtin} } @{ $ctl->json('prices list', qw(prices list)) };
	for ([ qr/needs option '--output'/, qw(prices set x --input 1) ],
	    [ qr/--input '1,5': expected dollars/, 'prices', 'set', 'x',
	      qw(--output 1 --input), '1,5' ],
	    [ qr/--input '1.1234567': expected/, qw(prices set x --input
	      1.1234567 --output 1) ],
	    [ qr/no price is set for 'x'/, qw(prices delete x) ],
	    [ qr/no price is set for .*; the built-in one stays/,
	      qw(prices delete), $builtin->{model}, '--provider',
	      $builtin->{provider} ],
	    [ qr/--since 'yesterday': expected a time ago/, qw(prices reprice
	      --since yesterday) ],
	    [ qr/--since must be before --until/, qw(prices reprice --since
	      1h --until 2h) ]) {
		my ($re, @args) = @$_;
		$ctl->refused($re, "@args", @args);
	}
	is($ctl->json('re-pricing of others', qw(prices reprice --model
	    gpt-*))->{matched}, 0, 'finds none');
	is($ctl->json('re-pricing of another time', qw(prices reprice --until
	    2020-01-01))->{rows}, 0, 'finds none');
	$ctl->does('delete', qw(prices delete own-*));
	$ctl->does('re-pricing', qw(prices reprice --since 1h));
	is($one->('SELECT count(*) FROM requests WHERE cost < 0'), $all,
	    'unpriced again');
	is($one->("SELECT sum(cost) || ' ' || sum(unpriced) FROM rollups "
	    . "WHERE dim = 1 AND period = 60"), "0 $all", 'the roll-ups, too');

	my $key = $ctl->json('a client key', qw(client-keys create --name
	    ci))->{key};
	cmp_ok(until_status(401, $g, 'own-1'), '<', 1,
	    'then a request without one is refused, within a second');
	is(ask($g, 'own-1', $key), 200, 'and served with it');
	my $new = $ctl->json('rotate', qw(client-keys rotate ci --grace
	    1h))->{key};
	cmp_ok(until_status(200, $g, 'own-1', $new), '<', 1,
	    'the new value is good');
	is(ask($g, 'own-1', $key), 200, 'the old one for an hour yet');
	$ctl->json('rotate', qw(client-keys rotate ci --grace 0s));
	cmp_ok(until_status(401, $g, 'own-1', $new), '<', 1,
	    'without grace it is not');
	my (undef, $err) = $ctl->does('delete', qw(client-keys delete ci));
	like($err, qr/no client key is left: requests of this machine are/,
	    'what that means is said');
	cmp_ok(until_status(200, $g, 'own-1'), '<', 1,
	    'this machine is served again, with any key');
	$g->finish;
};

done_testing;
