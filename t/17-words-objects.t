#!/usr/bin/perl

# proxyctl's words over models, providers, keys, pools and routes: with the
# daemons down, and with workers that see a change at once.  Wrong values change
# nothing.

use strict;
use warnings;
use Client;
use Ctl;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Time::HiRes qw(time sleep);
use Upstream;

plan skip_all => 'proxyctl is not built' unless -x ctl_program;

my $key = 'sk-test-0123456789abcdefghijklmnop';

sub audit {
	my ($ctl) = @_;
	my $home = $ctl->home;
	return [ map { [ split /\|/, $_, 4 ] } split /\n/,
	    `sqlite3 $home/proxyd.db "SELECT actor, action, object, detail FROM audit ORDER BY id"` ];
}

subtest 'with the daemons down' => sub {
	my $ctl = Ctl->new;
	$ctl->refused(qr/there is no database/, 'reading makes nothing',
	    qw(models list));
	$ctl->refused(qr/there is no database/, "@$_", @$_) for
	    [ qw(models delete x) ], [ qw(keys reset --all) ],
	    [ qw(keys test 1) ], [ qw(tenants update x --rpm 1) ],
	    [ qw(users delete x) ], [ qw(prices reprice) ];
	ok(!-e $ctl->home, 'nothing was made');
	like($ctl->does('a provider', qw(providers create --name local
	    --dialect openai-chat --base-url http://127.0.0.1:9/v1)),
	    qr/^provider created: local \(id \d+\)$/, 'is said');
	is((stat $ctl->home)[2] & 07777, 0700, 'mode of the home');
	is((stat $ctl->home . '/proxyd.db')[2] & 07777, 0600,
	    'mode of the database');
	$ctl->does('a model', qw(models create --route-key gpt4
	    --target-model gpt-4 --provider local));
	my $m = $ctl->json('models show', qw(models show gpt4));
	is("@$m{qw(route_key target_model provider mode source)} " .
	    ($m->{enabled} ? 1 : 0), 'gpt4 gpt-4 local  db 1', 'its members');
	is($ctl->json('models list', qw(models list))->[0]{id}, $m->{id},
	    'in the list');

	# Every refusal names option, value, what is allowed; nothing changes.
	my @bad = (
		[ qr/models create: --provider: there is no provider 'x'/,
		  qw(models create --route-key a --target-model b
		  --provider x) ],
		[ qr/--target-model: must be given/,
		  qw(models create --route-key a --provider local) ],
		[ qr/--route-key: there is one like it already/,
		  qw(models create --route-key gpt4 --target-model b
		  --provider local) ],
		[ qr/--mode 'dierct': expected transformer\|direct\|; did you mean 'direct'/,
		  qw(models update gpt4 --mode dierct) ],
		[ qr/there is no model 'gpt5', did you mean 'gpt4'/,
		  qw(models update gpt5 --mode direct) ],
		[ qr/nothing to change is given/, qw(models update gpt4) ],
		[ qr/colour: unknown member of a model: allowed are route_key/,
		  qw(models update gpt4 --set colour=red) ],
		[ qr/--set 'x': expected member=value/,
		  qw(models update gpt4 --set x) ],
		[ qr/is missing: 'name'/, qw(models show) ],
		[ qr/--pool: provider 'local' has no pool 'p'/,
		  qw(models update gpt4 --pool p) ],
		[ qr/--base-url: .*http/, qw(providers update local --base-url
		  ftp://x) ],
		[ qr/--connect-ms 'soon': expected a whole number/,
		  qw(providers update local --connect-ms soon) ],
		[ qr/--connect-ms: expected a whole number from 1 to/,
		  qw(providers update local --connect-ms 0) ],
		[ qr/--dialect: .*openai-chat/, qw(providers create --name y
		  --dialect cobol) ],
		[ qr/'local' cannot be deleted: a model, pool, rule or key/,
		  qw(providers delete local) ],
		[ qr/needs --api-key or --api-key-file$/m, qw(keys add
		  --provider local) ],
		[ qr/and not both/, qw(keys add --provider local --api-key a
		  --api-key-file b) ],
		[ qr/--api-key-file: cannot read '\/none': No such file/,
		  qw(keys add --provider local --api-key-file /none) ],
		[ qr/--weight: expected a whole number from 0 to/,
		  qw(keys add --provider local --api-key x --weight -1) ],
		[ qr/--expires 'soon': expected a time from now/,
		  qw(keys add --provider local --api-key x --expires soon) ],
		[ qr/--expires '2026-02-30'/, qw(keys add --provider local
		  --api-key x --expires 2026-02-30) ],
		[ qr/there is no key '99'/, qw(keys disable 99) ],
		[ qr/which key\? ids, or --all/, qw(keys reset) ],
		[ qr/there is no key 'sk-none'/, qw(pools create --name p
		  --provider local --key sk-none) ],
		[ qr/targets: must be given/, qw(routes create --name r) ],
		[ qr/targets\[0\]\.provider: there is no provider 'x'/,
		  qw(routes create --name r --target x/y) ],
		[ qr/'colour=' is none of weight=/, qw(routes create --name
		  r --target), 'local/m,colour=' ],
		[ qr/strict 'maybe': expected yes or no/, qw(routes create
		  --name r --target), 'local/m,strict=maybe' ],
		[ qr/match\.time/, qw(routes create --name r --target local/m
		  --from 25:00 --to 26:00) ],
		[ qr/--header 'x': expected name=pattern/, qw(routes create
		  --name r --target local/m --header x) ],
		[ qr/--has 'pictures': expected image\|audio/, qw(routes
		  create --name r --target local/m --has pictures) ],
		[ qr/--above '-1': expected a whole number/, qw(routes create
		  --name r --target local/m --above -1) ],
		[ qr/--name: 'a b' is no name/, qw(routes create --target
		  local/m --name), 'a b' ],
	);
	my $before = `sqlite3 @{[ $ctl->home ]}/proxyd.db .dump`;
	for (@bad) {
		my ($re, @args) = @$_;
		my ($r, $out, $err) = $ctl->run(@args);
		is($r, 1, "@args: exit status 1") or diag $out;
		like($err, $re, '... and why');
		is($out, '', '... no output');
	}
	is(`sqlite3 @{[ $ctl->home ]}/proxyd.db .dump`, $before,
	    'nothing of it is in the database');

	# Files: what show prints may come back.
	my $json = $ctl->does('show as JSON', qw(models show gpt4 --json));
	my ($r, $out, $err) = $ctl->feed($json =~ s/"gpt4"/"gpt5"/r,
	    qw(models create --file -));
	is($r, 0, 'create from standard input') or diag $err;
	for ([ '{"route_key":', qr/--file '-': line 1, column/ ],
	    [ '[]', qr/expected a JSON object/ ],
	    [ '{"a":1,"a":2}', qr/duplicate/ ],
	    [ '{"route_key":7}', qr/^proxyctl: models create: route_key: expected a string/ ]) {
		($r, $out, $err) = $ctl->feed($_->[0],
		    qw(models create --file -));
		is($r, 1, "a file with $_->[0]");
		like($err, $_->[1], '... and why');
	}
	$ctl->does('disable two', qw(models disable gpt4 gpt5));
	is(scalar(grep { $_->{enabled} } @{ $ctl->json('list',
	    qw(models list)) }), 0, 'both are');
	$ctl->refused(qr/there is no model 'gpt6'/, 'delete with one that is '
	    . 'not there', qw(models delete gpt4 gpt6));
	is(scalar @{ $ctl->json('list', qw(models list)) }, 2,
	    'nothing was deleted');
	$ctl->does('delete both', qw(models delete gpt4 gpt5));
	is($ctl->does('an empty list', qw(models list)), "none\n", 'says so');
	if (-w '/dev/full') {
		my $full = ctl_program . ' --home ' . $ctl->home .
		    ' models list 2>&1 >/dev/full';
		like(scalar `$full`, qr/cannot write standard output/,
		    'a full disk');
		is($? >> 8, 1, '... exit status 1');
	}
	is_deeply($ctl->json('and as JSON', qw(models list)), [], 'is empty');
	my @acts = map { "$_->[1] $_->[2]" } @{ audit($ctl) };
	is_deeply(\@acts, [ 'create provider local', 'create model gpt4',
	    'create model gpt5', 'disable model gpt4', 'disable model gpt5',
	    'delete model gpt4', 'delete model gpt5' ],
	    'each change has its line in the audit log');
	my $user = getpwuid $<;
	is(audit($ctl)->[0][0], "$user (shell)", 'of the Unix user');
};

subtest 'keys' => sub {
	my $ctl = Ctl->new;
	$ctl->does('a provider', qw(providers create --name p --dialect
	    anthropic));
	my ($out, $err) = $ctl->does('a key on the command line', qw(keys add
	    --provider p --api-key), $key, qw(--note 中文 --rpm 60 --model
	    claude-* --expires 2d));
	like($err, qr/can see a key on the command line.*--api-key-file/,
	    'a warning');
	my ($r, $o, $e) = $ctl->feed("$key-2\n", qw(keys add --provider p
	    --api-key -));
	is($r, 0, 'from standard input');
	is($e, '', 'no warning');
	my $file = $ctl->spew('key', " $key-3 \n");
	($o, $e) = $ctl->does('from a file', qw(keys add --provider p
	    --api-key-file), $file);
	is($e, '', 'no warning');
	$ctl->refused(qr/there is one like it already/, 'once more', qw(keys
	    add --provider p --api-key-file), $file);
	($r, $o, $e) = $ctl->feed("sk with space\n", qw(keys add --provider p
	    --api-key -));
	is($r, 1, 'no key');
	like($e, qr/api_key: must not hold spaces/, '... and why');
	my $list = $ctl->json('keys list', qw(keys list));
	is(scalar @$list, 3, 'three');
	is($list->[0]{mask}, 'sk-t****mnop', 'masked');
	is("@$list[0]->{rpm} @{ $list->[0]{models} } $list->[0]{note}",
	    '60 claude-* ' . do { use utf8; '中文' }, 'members');
	ok(abs($list->[0]{expires_us} / 1e6 - time - 2 * 86400) < 60,
	    'expires in two days');
	is($list->[0]{live}{state}, 'active', 'its state');

	($r, $o, $e) = $ctl->feed("# many\n$key-4 four\n\n$key-3\n$key-5\n",
	    qw(keys import --provider p --weight 3 -));
	is($r, 0, 'import') or diag $e;
	is($o, "2 keys added, 1 already there\n", 'how many');
	($r, $o, $e) = $ctl->feed("$key-6\nsk-\x{e4}\n", qw(keys import
	    --provider p -));
	is($r, 1, 'import with a line that is none');
	like($e, qr/line 2: expected a key.*nothing was added/, '... says so');
	($r, $o, $e) = $ctl->feed("# only\n", qw(keys import --provider p -));
	like($e, qr/there is no key in it/, 'import of nothing');
	$list = $ctl->json('keys list', qw(keys list));
	is(scalar @$list, 5, 'five');
	is("$list->[3]{note} $list->[3]{weight}", 'four 3', 'note and weight');

	$ctl->does('disable', qw(keys disable 2 --why), 'too old');
	my $k = $ctl->json('show', qw(keys show 2));
	my $user = getpwuid $<;
	is("$k->{disabled_by}: $k->{disabled_why}", "$user (shell): too old",
	    'by whom and why');
	like($ctl->does('list', qw(keys list)),
	    qr/disabled by $user \(shell\): too old/, 'is shown');
	$ctl->does('enable', qw(keys enable 2));
	is($ctl->json('show', qw(keys show 2))->{disabled_why}, '',
	    'forgotten');
	$ctl->does('reset', qw(keys reset 1));
	$ctl->does('reset of all', qw(keys reset --all));
	$ctl->does('a pool', qw(pools create --name two --provider p
	    --strategy priority --key 1 --key), $k->{mask});
	is_deeply($ctl->json('pools show', qw(pools show two))->{keys},
	    [ 1, 2 ], 'keys by id and mask');
	$ctl->refused(qr/cannot be deleted: a pool has it/, 'a key in use',
	    qw(keys remove 1));
	$ctl->does('pools update', qw(pools update two --key), '');
	$ctl->does('remove', qw(keys remove 1 2));
	is(scalar @{ $ctl->json('list', qw(keys list)) }, 3, 'gone');

	my $all = join '', map { $ctl->does("$_ list", $_, 'list', '--json') }
	    qw(keys pools providers);
	$all .= `strings @{[ $ctl->home ]}/proxyd.db`;
	unlike($all, qr/0123456789/, 'no value is shown or stored in clear');
	my $secret = $ctl->home . '/secret.key';
	rename $secret, "$secret.away" or die;
	($r, $o, $e) = $ctl->feed("$key-9\n", qw(keys add --provider p
	    --api-key -));
	is($r, 1, 'without secret.key');
	like($e, qr/secret\.key' is missing: without it the 3 keys/,
	    'none is made anew');
	ok(!-e $secret, 'indeed');
};

subtest 'routes' => sub {
	my $ctl = Ctl->new;
	$ctl->does('a provider', qw(providers create --name p --dialect
	    gemini));
	$ctl->does("rule $_", qw(routes create --name), $_, qw(--target p/m))
	    for qw(a b c);
	my $order = sub { join ' ', map { $_->{name} }
	    @{ $ctl->json('list', qw(routes list)) } };
	is($order->(), 'a b c', 'as they were made');
	for ([ [qw(c up)], 'a c b' ], [ [qw(a down)], 'c a b' ],
	    [ [qw(c up)], 'c a b' ], [ [qw(b down)], 'c a b' ],
	    [ [qw(c last)], 'a b c' ], [ [qw(b first)], 'b a c' ],
	    [ [qw(c --before a)], 'b c a' ], [ [qw(b --after a)], 'c a b' ],
	    [ [qw(a --before a)], 'c a b' ], [ [qw(a --after a)], 'c a b' ],
	    [ [qw(c 3)], 'a b c' ], [ [qw(c 2)], 'a c b' ],
	    [ [qw(c 1)], 'c a b' ]) {
		$ctl->does("move @{ $_->[0] }", qw(routes move), @{ $_->[0] });
		is($order->(), $_->[1], $_->[1]);
	}
	$ctl->refused(qr/where to\? up, down/, 'nowhere', qw(routes move a));
	$ctl->refused(qr/'uo': expected up, down/, 'a slip', qw(routes move a
	    uo));
	$ctl->refused(qr/'4': expected .* a number from 1 to 3/, 'too far',
	    qw(routes move a 4));
	$ctl->refused(qr/there is no rule 'x'/, 'no rule', qw(routes move a
	    --before x));
	$ctl->does('a rule of all', qw(routes create --name all --client
	    anthropic --client gemini --path /v1/* --model claude-* --tenant
	    t* --client-key k --any cat --any), '猫', qw(--all dog --in user
	    --above 10 --below 20 --has image --has-not tools --stream yes
	    --header x-a=b* --from 22:00 --to 06:00 --day mon --day sun
	    --strategy weighted --affinity no --position 5 --enabled no
	    --target), 'p/m,weight=3,strict=yes,set.temperature=0.5,' .
	    'default.user=me,remove=seed,remove=top_p', qw(--target p
	    --target /other));
	my $r = $ctl->json('show', qw(routes show all));
	use utf8;
	is_deeply($r->{match}, { client => [qw(anthropic gemini)],
	    path => ['/v1/*'], model => ['claude-*'], tenant => ['t*'],
	    client_key => ['k'], keywords => { any => ['cat', '猫'],
	    all => ['dog'], in => 'user' }, tokens => { above => 10,
	    below => 20 }, has => ['image'], has_not => ['tools'],
	    stream => JSON::PP::true, header => { 'x-a' => 'b*' }, time => {
	    from => '22:00', to => '06:00', days => [qw(mon sun)] } },
	    'each condition');
	is_deeply($r->{targets}, [ { provider => 'p', model => 'm',
	    weight => 3, strict => JSON::PP::true,
	    set => { temperature => 0.5 }, default => { user => 'me' },
	    remove => [qw(seed top_p)] }, { provider => 'p' },
	    { model => 'other' } ], 'each target');
	$ctl->does('one condition anew', qw(routes update all --model gpt-*));
	my $n = $ctl->json('show', qw(routes show all));
	is_deeply($n->{match}{model}, ['gpt-*'], 'is another');
	is($n->{match}{tokens}{above}, 10, 'the others stay');
	is_deeply($n->{targets}, $r->{targets}, 'the targets, too');
	$ctl->does('none of them', qw(routes update all --match-all));
	is_deeply($ctl->json('show', qw(routes show all))->{match}, {},
	    'matches everything');
	$ctl->does('list', qw(routes list));
};

subtest 'tables' => sub {
	my $ctl = Ctl->new;
	$ctl->does('a provider', qw(providers create --name p --dialect
	    gemini));
	$ctl->does('a key', qw(keys add --provider p --api-key), $key,
	    '--note', '提供商的密钥');
	$ctl->does('another', qw(keys add --provider p --api-key), "$key-x",
	    '--note', "\e[31mred\x07");
	my $out = $ctl->does('as wide as needed', qw(keys list));
	unlike($out, qr/[\x00-\x09\x0b-\x1f]/, 'no control reaches a terminal');
	like($out, qr/\\x1b\[31mred\\x07/, 'it is shown');
	utf8::decode($out);
	# A letter of Chinese takes two columns.
	my @end = map { s/[^\x00-\xff]/xx/gr =~ /^(.*?)\S+$/ ? length $1 : 0 }
	    split /\n/, $out;
	is($end[0], $end[1], 'the last column is aligned') or diag $out;
	for my $width (100, 80) {
		local $ENV{COLUMNS} = $width;
		my $t = $ctl->does("$width columns", qw(keys list));
		utf8::decode($t);
		is(scalar(grep { length(s/[^\x00-\xff\x{2026}]/xx/gr) >
		    $width } split /\n/, $t), 0, 'no line is longer');
	}
	local $ENV{COLUMNS} = 40;
	like($ctl->does('40 columns', qw(keys list)),
	    qr/^ID +1\nKEY +sk-t/m, 'a list a row');
};

subtest 'running workers' => sub {
	my $up = Upstream->new(\&answer_for);
	my $g = Gateway->new(config => "PORT: 0\n", args => ['-w', 2]);
	my $ctl = Ctl->new($g->{home});
	my $base = $up->base;

	my $ask = sub {
		return Client->once($g->port, POST => '/v1/chat/completions',
		    {}, { model => 'mine', messages => [ { role => 'user',
		    content => 'hi' } ] });
	};
	# Until its model answers with status; how long that took.
	my $until = sub {
		my ($want) = @_;
		my $t0 = time;
		my $r;
		do {
			$r = $ask->();
			$r->{status} == $want or sleep 0.02;
		} until $r->{status} == $want || time - $t0 > 5;
		return time - $t0;
	};
	$ctl->does('a provider', qw(providers create --name up --dialect
	    openai-chat --base-url), "$base/v1");
	$ctl->does('a key', qw(keys add --provider up --api-key), $key);
	$ctl->does('a model', qw(models create --route-key mine --target-model
	    gpt-4 --provider up));
	cmp_ok($until->(200), '<', 1, 'a model is there within a second');
	like(($up->requests)[-1]{headers}{authorization}, qr/\Q$key\E/,
	    'with the key');
	$ctl->does('disable', qw(keys disable 1));
	my $t0 = time;
	my $status;
	do {
		$status = $ask->()->{status};
		sleep 0.02 if $status == 200;
	} while $status == 200 && time - $t0 < 5;
	isnt($status, 200, 'a key that is disabled rests');
	cmp_ok(time - $t0, '<', 1, 'within a second');
	$ctl->does('enable', qw(keys enable 1));
	cmp_ok($until->(200), '<', 1, 'and is there again within a second');
	like($ctl->does('list', qw(keys list)), qr/active +[1-9]\d* +0 /,
	    'its counts are those of this moment');
	$ctl->does('reset', qw(keys reset 1));
	$g->finish;
};

done_testing;
