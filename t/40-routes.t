#!/usr/bin/perl

# Rules, fail-over down their targets, pools and what rests a key: over sockets,
# with several workers.

use strict;
use warnings;
use Client;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Time::HiRes qw(time);
use Upstream;

my %json = ('Content-Type' => 'application/json');

# The model's name says what the provider does.
sub script {
	my ($req) = @_;
	my $body = eval { Upstream::json_of($req) } // {};
	my $model = $body->{model} // '';
	my $h = $req->{headers};
	my $key = $h->{authorization} // $h->{'x-api-key'} // '';

	my ($status) = "$model $key" =~ /fail-?(\d+)/;
	my ($after) = $model =~ /after-(\d+)/;
	return [reply => $status, { %json, defined $after ?
	    ('Retry-After' => $after) : () }, json_text({ error => { message =>
	    'no', type => 'x', code => 'x' } })]
	    if defined $status;
	return ['close'] if $model =~ /cut/;
	return ['hang'] if $model =~ /hang/;
	return ([head => 200, { 'Content-Type' => 'text/event-stream' }],
	    [chunk => 'data: ' . json_text({ error => { message => 'busy',
	    type => 'overloaded_error' } }) . "\n\n"], ['last'])
	    if $model =~ /late/;
	return answer_for($req);
}

my $one = Upstream->new(\&script);
my $two = Upstream->new(\&script);
my ($b1, $b2) = ($one->base, $two->base);
my $g = Gateway->new(args => ['-w', 3], config => <<"EOT");
PROVIDERS:
  one: { dialect: openai-chat, base_url: "$b1/v1", keys: [key-one-a, key-one-b] }
  two: { dialect: anthropic, base_url: "$b2", keys: [key-two-a] }
  free: { dialect: openai-chat, base_url: "$b1/v1", keyless: true,
    first_byte_timeout: 300ms }
  bad: { dialect: openai-chat, base_url: "$b1/v1",
    keys: [key-fail401, key-good] }
  solo: { dialect: openai-chat, base_url: "$b1/v1", keys: [key-solo] }
  gone: { dialect: openai-chat, base_url: "http://127.0.0.1:1/v1",
    keyless: true }
MODELS:
@{[ join '', map { my $p = $_; map { "  - { route_key: $p-$_, target_model: " .
    "$_, provider: $p }\n" } qw(plain fail-500 fail-400 fail-408 fail-409
    fail-401 fail-403
    fail-429 fail-429-after-7 fail-529 cut hang late) } qw(one two free bad
    solo gone) ]}
EOT

# Rules go in as the operator would put them in, and workers see them.
my $pos = 0;
sub rule {
	my ($name, $match, $targets, %o) = @_;

	$g->sql('INSERT INTO rules (pos, name, match, targets, strategy, ' .
	    'affinity) VALUES (' . ++$pos . ", '$name', '" .
	    json_text($match) . "', '" . json_text($targets) . "', '" .
	    ($o{strategy} // 'ordered') . "', 1)");
}

sub publish {
	$g->sql('UPDATE meta SET generation = generation + 1');
	ok($g->known, 'published');
}

sub ask {
	my ($model, %o) = @_;
	my $path = $o{path} // '/v1/chat/completions';

	return Client->once($g->port, POST => $path, $o{headers},
	    json_text({ model => $model, max_tokens => 9, messages =>
	    $o{messages} // [ { role => 'user', content => $o{text} // 'x' } ],
	    $o{stream} ? (stream => \1) : (), %{ $o{more} // {} } }));
}

sub asked { grep { $_->{event} eq 'request' } $_[0]->requests }
# Rings are read in turn: the order of ids is not that of times.
sub last_row {
	ok($g->settled, 'settled');
	return (sort { $a->{time_us} <=> $b->{time_us} } $g->rows)[-1];
}

for my $f (qw(fail-500 fail-408 fail-409 fail-529 cut late hang)) {
	rule("to-two-$f", { model => "r-$f" }, [
	    { provider => $f eq 'hang' ? 'free' : 'one', model => $f },
	    { provider => 'two', model => 'claude-plain' } ]);
}
rule('down', { model => 'r-down' }, [ { provider => 'gone', model => 'x' },
    { provider => 'two', model => 'claude-plain' } ]);
rule('client-fault', { model => 'r-400' }, [ { provider => 'one',
    model => 'fail-400' }, { provider => 'two', model => 'plain' } ]);
rule('words', { model => 'r-word', keywords => { any =>
    ["\x{4f60}\x{597d}", 'Stra' . "\x{df}" . 'e'] } }, [ { provider => 'two',
    model => 'claude-words' } ]);
rule('word-else', { model => 'r-word' }, [ { provider => 'one',
    model => 'plain-else' } ]);
rule('wild', { model => 'new-model-*' }, [ { provider => 'one' } ]);
rule('set', { model => 'r-set' }, [ { provider => 'one', model => 'plain',
    set => { temperature => 0.25 }, default => { max_tokens => 3,
    top_p => 0.5 }, remove => ['seed'] } ]);
rule('strict', { model => 'r-strict' }, [ { provider => 'two',
    model => 'claude-x', strict => \1 } ]);
rule('head', { header => { 'x-team' => 'blue*' } }, [ { provider => 'two',
    model => 'claude-blue' } ]);
rule('weights', { model => 'r-weight' }, [ { provider => 'one', model =>
    'w-one', weight => 1 }, { provider => 'two', model => 'claude-two',
    weight => 1 } ], strategy => 'weighted');
publish();

subtest 'fail-over to the next target' => sub {
	for my $f (qw(fail-500 fail-408 fail-409 fail-529 cut late hang)) {
		for my $stream (0, 1) {
			my $r = ask("r-$f", stream => $stream);
			is($r->{status}, 200, "$f, stream $stream: 200") or
			    diag $r->{body};
			my $row = last_row();
			is($row->{provider}, 'two', 'by the second');
			is($row->{model_sent}, 'claude-plain', 'its model');
			is($row->{route}, "to-two-$f", 'the rule is logged');
			ok($row->{attempts} >= 2, 'attempts are counted');
			my $a = decode_json($row->{attempts_json});
			is($a->[-1]{provider}, 'two', 'each with its target');
		}
	}
	is(ask('r-down')->{status}, 200, 'nobody at the first');
};

subtest 'pitfall-43: a fault of the client penalises no key' => sub {
	my $n = asked($two);
	is(ask('r-400')->{status}, 400, 'said at once') for 1 .. 4;
	is(scalar asked($two), $n, 'no other target is asked');
	is(ask('one-plain')->{status}, 200, 'and the keys still serve');
	is(ask('one-fail-429-after-7')->{status}, 429, 'a rate limit');
	is(ask('one-plain')->{status}, 200, 'of one model, not of another');
};

subtest 'a conversation stays where it began' => sub {
	my $where = sub {
		my ($model, @said) = @_;
		my @m = map { { role => $_ & 1 ? 'assistant' : 'user',
		    content => $said[$_] } } 0 .. $#said;
		$_->forget for $one, $two;
		ask($model, messages => \@m);
		my ($r) = (asked($one), asked($two));
		my $h = $r->{headers};
		return Upstream::json_of($r)->{model} . ' ' .
		    ($h->{authorization} // $h->{'x-api-key'});
	};
	for my $model (qw(one-plain r-weight)) {
		my (%first, $moved);
		for my $c (1 .. 24) {
			my $at = $where->($model, "begin $c");
			$first{$at}++;
			$moved++ if $at ne $where->($model, "begin $c", 'a',
			    'on') || $at ne $where->($model, "begin $c", 'a',
			    'on', 'b', 'and on');
		}
		is($moved, undef, "$model: each goes on where it began");
		is(scalar keys %first, $model eq 'r-weight' ? 3 : 2,
		    '... and they begin everywhere');
	}
};

subtest 'keyless providers are tried again' => sub {
	my $n = asked($one);
	is(ask('free-fail-500')->{status}, 500, 'in the end its error');
	is(asked($one) - $n, 4, 'after RETRY_TRIES');
	for (qw(401 403 429-after-7)) {
		$n = asked($one);
		is(ask("free-fail-$_")->{status}, substr($_, 0, 3), "its $_");
		is(asked($one) - $n, 1, 'at once: it would say so again');
	}
};

subtest 'pitfall-42: the true Retry-After' => sub {
	my $r = ask('solo-fail-429-after-7');
	is($r->{status}, 429, 'the only key');
	my $n = asked($one);
	$r = ask('solo-fail-429-after-7');
	is($r->{status}, 429, 'rests');
	ok($r->{headers}{'retry-after'} >= 5 && $r->{headers}{'retry-after'} <=
	    7, "for $r->{headers}{'retry-after'} s");
	is(scalar asked($one), $n, 'the provider is not asked');
	is(ask('solo-plain')->{status}, 200, 'other models are served');
};

subtest 'pitfall-44: a refused key is parked' => sub {
	is(ask('bad-plain')->{status}, 200, 'the other serves') for 1 .. 6;
	my @bad = grep { ($_->{headers}{authorization} // '') =~ /fail401/ }
	    asked($one);
	is(scalar @bad, 1, 'it was asked once, by any worker');
	is(($g->control('reset-key 0'))[0], 'ok', 'reset by hand');
	like(($g->control('reset-key x'))[0], qr/^error reset-key needs/,
	    'which wants an id');
	is(ask('bad-plain')->{status}, 200, 'served') for 1 .. 4;
	@bad = grep { ($_->{headers}{authorization} // '') =~ /fail401/ }
	    asked($one);
	is(scalar @bad, 2, 'and it is asked once more');
};

subtest 'rules' => sub {
	ask('r-word', text => "sag \x{4f60}\x{597d} bitte");
	is(last_row()->{route}, 'words', 'Chinese');
	ask('r-word', text => "die STRASSE");
	is(last_row()->{route}, 'word-else', 'not that word');
	ask('r-word', text => "die STRA\x{df}E");
	is(last_row()->{route}, 'words', 'without regard to case');
	is(ask('new-model-2031')->{status}, 200, 'pitfall-49: a new model');
	is(last_row()->{model_sent}, 'new-model-2031', 'by its own name');
	ask('one-plain', headers => { 'X-Team' => 'blue-7' });
	is(last_row()->{model_sent}, 'claude-blue', 'a header');
	ask('r-set', more => { seed => 4, temperature => 1 });
	my $row = last_row();
	is($row->{route}, 'set', 'parameters');
	my $b = Upstream::json_of((asked($one))[-1]);
	is($b->{temperature}, 0.25, 'set');
	ok(!exists $b->{seed}, 'removed');
	is($b->{top_p}, 0.5, 'a default');
	is($b->{max_tokens} // $b->{max_completion_tokens}, 9,
	    'not where the client says');
	my $r = ask('r-strict', more => { seed => 4 });
	is($r->{status}, 400, 'strict');
	like($r->{body}, qr/strict/, 'says so');
};

subtest 'a conversation keeps its target and key' => sub {
	my %to;
	for my $s (1 .. 12) {
		my %seen;
		for (1 .. 4) {
			ask('r-weight', headers => {
			    'X-Claude-Code-Session-Id' => "s$s" });
			my $row = last_row();
			$seen{"$row->{provider} $row->{key_id}"}++;
		}
		is(scalar keys %seen, 1, "session $s");
		$to{$_}++ for map { (split)[0] } keys %seen;
	}
	is(scalar keys %to, 2, 'conversations are shared out');
};

subtest 'what rests a key survives a restart' => sub {
	my $bad = sub { scalar grep { ($_->{headers}{authorization} // '') =~
	    /fail401/ } asked($one) };
	my $n = $bad->();
	ok($g->wait_for(sub { grep { $_->{model} eq '' }
	    $g->sql('SELECT model FROM key_states') }), 'it is written');
	$g->stop;
	ok($g->start, 'started again');
	is(ask('bad-plain')->{status}, 200, 'the other serves') for 1 .. 6;
	is($bad->(), $n, 'the refused one is parked still');
	my $r = ask('solo-fail-429-after-7');
	is($r->{status}, 429, 'and a limit of one model');
	ok($g->settled, 'settled');
};

undef $g;
done_testing();
