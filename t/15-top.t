#!/usr/bin/perl

# proxyctl top: in a terminal, which it leaves as it was; for scripts; while
# proxyd goes and returns.

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

my $up = Upstream->new(sub {
	my ($req) = @_;
	return [reply => 429, { 'Content-Type' => 'application/json',
	    'Retry-After' => 100 }, '{"error":{"message":"slow"}}']
	    if ($req->{headers}{authorization} // '') =~ /tired/;
	return answer_for($req);
});
my $g = Gateway->new(args => ['-w', 2], config => <<"EOT");
PROVIDERS:
  one: { dialect: openai-chat, base_url: "@{[ $up->base ]}/v1",
    keys: [sk-tired-aaaaaaaaaaaaaaaaaaaaa, sk-fresh-bbbbbbbbbbbbbbbbbbbbbb] }
MODELS:
  - { route_key: m, target_model: m, provider: one }
EOT
my $ctl = Ctl->new($g->{home});

sub ask {
	return Client->once($g->port, POST => '/v1/chat/completions', {},
	    { model => 'm', messages => [ { role => 'user',
	    content => 'hi' } ] })->{status};
}
is(ask(), 200, 'a request') for 1 .. 4;
$g->settled;

subtest 'for scripts' => sub {
	my $out = $ctl->does('--once', qw(top --once));
	like($out, qr/^\d\d:\d\d:\d\d  proxyd running, pid \d+, up .*, 2 workers$/m,
	    'proxyd');
	like($out, qr/^requests  0 in flight.* 4 so far/m, 'requests');
	like($out, qr/^tokens    \d/m, 'tokens');
	like($out, qr/^one +0 +0\.0 +0\.0 +2 +1 +0  closed$/m, 'a provider');
	like($out, qr/^PROVIDER .*\none +sk-t\S+ .*cooling \d+ \S+: rate limit\none +sk-f/m,
	    'keys, the resting one first');
	unlike($out, qr/\e/, 'no control');
	my $j = $ctl->json('--json', qw(top));
	is("$j->{running} $j->{requests} $j->{keys}[0]{state}", '1 4 cooling',
	    'as JSON');
	$ctl->refused(qr/needs a terminal; --once/, 'no terminal', 'top');
	$ctl->refused(qr/--interval '0s': expected 1s/, 'no interval', qw(top
	    --once --interval 0s));
	my $none = Ctl->new;
	my ($r, $o) = $none->run(qw(top --once));
	is($r, 3, 'without proxyd: exit status 3');
	like($o, qr/proxyd does not run in/, 'said');
	ok(!-e $none->home, 'and nothing made');
};

sub top {
	my ($cols, $rows) = @_;
	local $ENV{TERM} = 'xterm';
	return Pty->new($cols, $rows, ctl_program, '--home', $ctl->home,
	    'top');
}

# Lines of the last whole screen.
sub screen {
	my ($text) = @_;
	my ($last) = $text =~ /.*\e\[H(.*?)\e\[J/s;
	return map { s/\e\[K//gr } split /\r\n/, $last // '';
}

SKIP: {
	my $t = top(120, 30);
	skip 'no pseudo-terminals here', 1 unless $t;

	subtest 'in a terminal' => sub {
		ok(defined $t->until_match(qr/\e\[H.*proxyd running.*\e\[J/s),
		    'a screen');
		like($t->{seen}, qr/^\e\[\?1049h\e\[\?25l/, 'of its own');
		ok(!$t->echoes, 'without an echo');
		my @lines = screen($t->{seen});
		ok(!grep({ length > 120 } @lines), 'no line is too long');
		$t->forget;
		$t->resize(40, 6);
		ok(defined $t->until_match(qr/\e\[H[^\e]{0,40}\e\[K.*\e\[J/s),
		    'another size');
		@lines = screen($t->{seen});
		ok(@lines <= 4 && !grep({ length > 40 } @lines), 'is kept to');
		$t->resize(120, 30);
		$t->forget;
		is(ask(), 200, 'a request') for 1 .. 2;
		ok(defined $t->until_match(qr/ 6 so far/), 'is counted') or diag $t->{seen};
		$t->type('x');
		$t->type('q');
		is($t->status, 0, 'q quits');
		like($t->{seen}, qr/\e\[\?25h\e\[\?1049l\z/,
		    'the screen that was is back');
		ok($t->echoes, 'and the echo');
	};

	subtest 'signals' => sub {
		for my $sig (qw(TERM INT HUP)) {
			$t = top(80, 24);
			ok(defined $t->until_match(qr/proxyd running/), $sig);
			kill $sig, $t->{pid};
			is($t->status, 0, 'ends');
			like($t->{seen}, qr/\e\[\?1049l\z/, 'the screen');
			ok($t->echoes, 'the echo');
		}
	};

	subtest 'proxyd goes and returns' => sub {
		$t = top(80, 24);
		ok(defined $t->until_match(qr/proxyd running/), 'it runs');
		$g->stop;
		$t->forget;
		ok(defined $t->until_match(qr/proxyd does not run in/),
		    'it is gone') or diag $t->{seen};
		like(join("\n", screen($t->until_match(
		    qr/does not run in.*\e\[J/s))),
		    qr/^one /m, 'what is in the database is there still');
		$t->forget;
		$g->start;
		ok(defined $t->until_match(qr/proxyd running/), 'it is back');
		$t->type('q');
		is($t->status, 0, 'q quits');
	};
}

$g->finish;
done_testing;
