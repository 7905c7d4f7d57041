#!/usr/bin/perl

# Providers over sockets, with several workers: the circuit of one that fails,
# the fastest of several, keys by what their provider says is left.

use strict;
use warnings;
use Admind;
use Client;
use Ctl;
use Gateway;
use JSON::PP;
use POSIX ();
use Scripts;
use Test::More;
use Time::HiRes qw(time);
use Upstream;

my %json = ('Content-Type' => 'application/json');
my $dir = File::Temp::tempdir('health-XXXXXX', TMPDIR => 1, CLEANUP => 1);

# A file says whether the provider is ill; a model, how slow it is, what it
# says of its limits, and whose fault an error is.
sub script {
	my ($req) = @_;
	my $model = (eval { Upstream::json_of($req) } // {})->{model} // '';
	my $key = $req->{headers}{authorization} // '';

	return [reply => 503, \%json, '{"error":{"message":"ill"}}']
	    if $model =~ /ill/ && -e "$dir/ill";
	return [reply => $1, \%json, '{"error":{"message":"no"}}']
	    if $model =~ /fault-(\d+)/;
	my %limit = (spent => { 'x-ratelimit-remaining-requests' => 7,
	    'x-ratelimit-remaining-tokens' => 0, 'x-ratelimit-reset-tokens' =>
	    '1m2.5s', 'x-ratelimit-reset-requests' => '5s' }, claude => {
	    'anthropic-ratelimit-requests-remaining' => 0,
	    'anthropic-ratelimit-requests-reset' => POSIX::strftime(
	    '%Y-%m-%dT%H:%M:%SZ', gmtime(time + 40)) }, soon => {
	    'Retry-After' => 'soon' }, past => { 'Retry-After' => -5 },
	    long => { 'Retry-After' => '9000000000' });
	return [reply => 429, { %json, %{ $limit{$1} } },
	    '{"error":{"message":"slow down"}}'] if $model =~ /^limit-(\w+)/;
	my ($slow) = $model =~ /slow-([\d.]+)/;
	my %left;
	if ($model =~ /left/) {
		my $n = $key =~ /key-a/ ? 0 : 100;
		%left = ('x-ratelimit-remaining-requests' => $n,
		    'x-ratelimit-reset-requests' => '1m30s',
		    'x-ratelimit-remaining-tokens' => 5000,
		    'x-ratelimit-reset-tokens' => '20ms');
	}
	%left = ('x-ratelimit-remaining-tokens' => $key =~ /key-a/ ? 30 : 9000,
	    'x-ratelimit-reset-tokens' => '6m0s') if $model =~ /few/;
	return $slow ? [sleep => $slow] : (), [reply => 200, { %json, %left },
	    chat_body(text => 'fine')];
}

my $up = Upstream->new(\&script);
my $base = $up->base;
my $g = Gateway->new(args => ['-w', 3], config => <<"EOT");
PROVIDERS:
  sick: { dialect: openai-chat, base_url: "$base/v1", keyless: true }
  well: { dialect: openai-chat, base_url: "$base/v1", keyless: true }
  down: { dialect: openai-chat, base_url: "http://127.0.0.1:1/v1",
    keyless: true }
  two: { dialect: openai-chat, base_url: "$base/v1",
    keys: [key-a-0001, key-b-0002] }
  one: { dialect: openai-chat, base_url: "$base/v1", keys: [key-c-0003] }
RETRY_TRIES: 2
BREAKER_LEAST: 6
BREAKER_REST: 400ms
MODELS:
  - { route_key: ill, target_model: ill, provider: sick }
  - { route_key: fault-400, target_model: fault-400, provider: well }
  - { route_key: fault-404, target_model: fault-404, provider: well }
  - { route_key: down, target_model: down, provider: down }
  - { route_key: left, target_model: left, provider: two }
  - { route_key: few, target_model: few, provider: two }
EOT
my $ad = Admind->new($g->{home}, file => $g->{file});
my $ctl = Ctl->new($g->{home});
$g->sql("INSERT INTO rules (pos, name, match, targets, strategy, affinity)
    VALUES (1, 'both', '{\"model\":\"both\"}', '[{\"provider\":\"sick\"," .
    "\"model\":\"ill\"},{\"provider\":\"well\",\"model\":\"m\"}]', " .
    "'ordered', 1), (2, 'quick', '{\"model\":\"quick\"}', '[{\"provider\":" .
    "\"sick\",\"model\":\"slow-0.3\"},{\"provider\":\"well\",\"model\":" .
    "\"slow-0.01\"}]', 'fastest', 0), (3, 'limits', " .
    "'{\"model\":\"limit-*\"}', '[{\"provider\":\"one\"}]', 'ordered', 0)");
$g->sql('UPDATE meta SET generation = generation + 1');
my $before = $g->status->{stat}{snapshots};
ok($g->wait_for(sub { $g->status->{stat}{snapshots} >= $before + 3 }),
    'published');

sub ask {
	my ($model, %o) = @_;
	return Client->once($g->port, POST => '/v1/chat/completions', {},
	    json_text({ model => $model, max_tokens => 9, messages => [ {
	    role => 'user', content => $o{text} // 'x' } ] }));
}

sub last_row {
	ok($g->settled, 'settled');
	return (sort { $a->{time_us} <=> $b->{time_us} } $g->rows)[-1];
}

sub asked {
	my ($model) = @_;
	return scalar grep { $_->{event} eq 'request' && Upstream::body_of($_)
	    =~ /"\Q$model\E"/ } $up->requests;
}

sub circuit {
	my ($name) = @_;
	my $st = $ctl->json('status', 'status');
	return (grep { $_->{name} eq $name } @{ $st->{providers} })[0];
}

sub spew { open my $f, '>', $_[0] or die; close $f }

subtest 'what opens a circuit' => sub {
	is(ask('fault-400')->{status}, 400, 'a fault of the client') for 1 .. 8;
	is(ask('fault-404')->{status}, 404, 'another') for 1 .. 8;
	is(circuit('well')->{circuit}, 'closed', 'are none of the provider');
	spew("$dir/ill");
	my ($r, $n) = (undef, 0);
	is(ask('ill')->{status}, 503, 'a provider that fails') for 1 .. 3;
	is(asked('ill'), 6, 'is asked as often as it takes');
	$r = ask('ill');
	is($r->{status}, 503, 'and then no more');
	like($r->{body}, qr/'sick' fails too often and is left alone/,
	    'which is said');
	ok($r->{headers}{'retry-after'} >= 1, 'with a time to come again');
	is(asked('ill'), 6, 'whichever worker it is');
	is(ask('both')->{status}, 200, 'the next target serves');
	is(last_row()->{attempts}, 1, 'at once');
	like($g->log_text, qr/ sick: its circuit is open/, 'it is logged');
	ok($g->wait_for(sub { ask('down'); circuit('down')->{circuit} ne
	    'closed' }), 'nobody there opens it, too');
};

subtest 'a provider is counted by what it was asked' => sub {
	ok($g->settled, 'settled');
	$ad->set_up;
	my $r = $ad->call(GET => "/api/v1/stats?by=attempts")->{json};
	my %of = map { $_->{name} => $_ } @{ $r->{names} };
	is($of{sick}{requests}, 6, 'not what was refused in its name');
	is($of{sick}{errors}, 6, 'each failed');
	is($of{well}{requests}, 17, 'who answers in its place');
	is($of{well}{errors}, 0, 'is not at fault, nor for the client');
	cmp_ok($of{down}{errors}, '>=', 6, 'nobody there');
	is($of{down}{requests}, $of{down}{errors}, 'never an answer');
};

subtest 'a trial' => sub {
	ok($g->wait_for(sub { ask('ill'); asked('ill') == 7 }),
	    'after the rest one request tries it');
	ask('ill') for 1 .. 4;
	is(asked('ill'), 7, 'one, and it failed');
	my $c = circuit('sick');
	is($c->{circuit}, 'open', 'so it is open again');
	is($c->{opened}, 1, 'since it first was');
	like($ctl->does('a reset by hand', qw(providers reset sick)),
	    qr/^provider reset: sick$/m, 'is told');
	is(circuit('sick')->{circuit}, 'closed', '... closes it');
	ask('ill') for 1 .. 3;
	is(circuit('sick')->{circuit}, 'open', 'what still fails opens it');
	unlink "$dir/ill";
	ok($g->wait_for(sub { ask('ill')->{status} == 200 }), 'it is well again');
	is(circuit('sick')->{circuit}, 'closed', 'and its circuit closed');
	is(ask('ill')->{status}, 200, 'served') for 1 .. 4;
	like($g->log_text, qr/ sick: its circuit is closed/, 'that, too');
	my $m = $ad->get('/metrics')->{body};
	like($m, qr/^proxyd_provider_circuit_open\{gen_ai_provider_name="sick"\} 0$/m,
	    'a metric');
	like($m, qr/^proxyd_provider_circuit_opened_total\{gen_ai_provider_name="sick"\} 2$/m,
	    'and another');
};

subtest 'the fastest' => sub {
	ask('quick') for 1 .. 2;
	my $n = asked('slow-0.01');
	ask('quick') for 1 .. 8;
	is(asked('slow-0.01') - $n, 8, 'is chosen once both are known');
	is(asked('slow-0.3'), 1, 'the other was tried once');
	my ($r, $out) = $ctl->feed('{"model":"quick","messages":[{"role":' .
	    '"user","content":"x"}]}', 'route', '--json');
	my $t = decode_json($out)->{targets};
	is($t->[0]{model}, 'slow-0.01', 'the dry run has the same order');
	cmp_ok($t->[1]{ttfb_us}, '>=', 300000, 'and tells why');
};

subtest 'headroom' => sub {
	ask('left') for 1 .. 3;
	my @r = grep { Upstream::body_of($_) =~ /"left"/ } $up->requests;
	my $a = grep { $_->{headers}{authorization} =~ /key-a/ } @r;
	is($a, 1, 'a key that has nothing left is spared');
	ask('left') for 1 .. 5;
	@r = grep { Upstream::body_of($_) =~ /"left"/ } $up->requests;
	is(scalar(grep { $_->{headers}{authorization} =~ /key-a/ } @r), 1,
	    'while another has room');
	my $st = $ctl->json('status', 'status');
	my ($k) = grep { @{ $_->{models} } && $_->{models}[0]{requests}{left}
	    == 0 } @{ $st->{keys} };
	is($k->{models}[0]{model}, 'left', 'status tells the model');
	is($k->{state}, 'active', 'the key is no worse for it');
	like($k->{models}[0]{requests}{until}, qr/^20\d\d-/, 'and until when');
	like($ctl->does('text', 'status'),
	    qr/^ +left: 0 requests left, for 1 min/m, 'in words, too');
	ask('few') for 1 .. 2;
	ask('few', text => 'word ' x 200) for 1 .. 4;
	@r = grep { Upstream::body_of($_) =~ /word word/ } $up->requests;
	is(scalar(grep { $_->{headers}{authorization} =~ /key-a/ } @r), 0,
	    'nor is one that has too few tokens for this one');
};

subtest 'what a limit says of its end' => sub {
	for (['spent', 62, 63], ['claude', 38, 41], ['soon', 1, 1],
	    ['past', 1, 1], ['long', 300, 300]) {
		my ($m, $least, $most) = @$_;
		my $r = ask("limit-$m");
		is($r->{status}, 429, "$m: refused");
		my $n = $r->{headers}{'retry-after'};
		like($n, qr/^\d+$/, 'in seconds');
		ok($n >= $least && $n <= $most, "... $least to $most: $n");
		my $asked = asked("limit-$m");
		$r = ask("limit-$m");
		is(asked("limit-$m"), $asked, 'the key rests for this model');
		ok($r->{headers}{'retry-after'} <= $n, 'for as long');
	}
};

$ad->finish;
$g->finish;
done_testing;
