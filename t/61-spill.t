#!/usr/bin/perl

# A logger that does not write: records go by the spill file, none is lost and
# none is doubled, also when the worker dies in between.

use strict;
use warnings;
use Client;
use Ctl;
use Gateway;
use JSON::PP;
use Test::More;

my $body = { model => 'mock-echo', messages => [
    { role => 'user', content => 'hello' } ] };
my %long = ('User-Agent' => 'x' x 3000);
my $many = 3000;		# a ring holds fewer of them

sub ask_many {
	my ($g, $n) = @_;
	my $c = Client->new($g->port);

	for (1 .. $n) {
		my $r = $c->request(POST => '/v1/chat/completions', \%long,
		    $body)->response;
		die 'no answer' unless $r && $r->{status} == 200;
	}
}

sub count {
	my ($g, $what) = @_;
	my ($row) = $g->sql("SELECT count($what) AS n FROM requests");
	return $row->{n};
}

my $g = Gateway->new(args => ['-w', 1], allow => qr/was killed by signal 9/);
my ($logger) = $g->status->{logger} =~ /^(\d+)/;
kill 'STOP', $logger;
ask_many($g, $many);
cmp_ok($g->status->{stat}{ring_spills}, '>', 0, 'the ring is full');
ok(glob("$g->{home}/spill.*"), 'there is a spill file');
kill 'KILL', $g->status->{worker}[0]{pid};
ok($g->wait_for(sub { my $w = $g->status->{worker}[0];
    $w->{pid} && $w->{state} eq 'running' }), 'the worker is killed');
ask_many($g, 10);
kill 'CONT', $logger;
ok($g->wait_for(sub { count($g, '*') == $many + 10 }, 20),
    'every request has its row');
is(count($g, 'DISTINCT request_id'), $many + 10, 'none twice');
$g->finish;
ok(!glob("$g->{home}/spill.*"), 'no spill file is left');

subtest 'stopped before the logger wrote' => sub {
	my $g = Gateway->new(args => ['-w', 1]);
	my ($logger) = $g->status->{logger} =~ /^(\d+)/;
	kill 'STOP', $logger;
	ask_many($g, $many);
	kill 'TERM', $g->{pid};
	kill 'CONT', $logger;
	$g->wait_for(sub { waitpid($g->{pid}, 1) == $g->{pid} });
	$g->{exit} = $? >> 8;
	$g->{pid} = 0;
	is(count($g, '*'), $many, 'every request has its row');
	$g->finish;
};

# What is left in a spill file was paid in a memory that is gone.
subtest 'all of it is killed' => sub {
	my $g = Gateway->new(args => ['-w', 1], allow => qr/signal 9|exited/);
	my $ctl = Ctl->new($g->{home});
	my ($r, $out) = $ctl->feed('', qw(client-keys create --json --name k
	    --budget-total 1000000));
	my %key = (%long, Authorization => 'Bearer ' .
	    decode_json($out)->{key});
	$ctl->feed('', qw(prices set mock-echo --input 1000 --output 1000));
	ok($g->known, 'a key with a budget');
	my $spent = sub {
		my ($r, $out) = $ctl->feed('{"model":"mock-echo","messages":[{' .
		    '"role":"user","content":"x"}]}', qw(route --json
		    --client-key k));
		return decode_json($out)->{limits}[0]{spent_total};
	};
	my ($logger) = $g->status->{logger} =~ /^(\d+)/;
	kill 'STOP', $logger;
	my $c = Client->new($g->port);
	my $asked = 0;
	do {
		for (1 .. 100) {
			$r = $c->request(POST => '/v1/chat/completions',
			    \%key, $body)->response;
			$asked += $r->{status} == 200;
		}
	} while $g->status->{stat}{ring_spills} < 50 && $asked < 20000;
	my $worker = $g->status->{worker}[0]{pid};
	my $paid = $spent->();
	kill 'KILL', $worker;
	ok($g->wait_for(sub { $spent->() == $paid && ($g->status->{worker}[0]
	    {pid} // $worker) != $worker }), 'a worker that is killed has paid');
	kill 'KILL', $g->{pid}, $logger, map { $_->{pid} }
	    @{ $g->status->{worker} };
	waitpid $g->{pid}, 0;
	@$g{qw(crashed pid)} = (1, 0);
	$g->start;
	my $cost = sub { ($g->sql('SELECT count(*) AS n, coalesce(sum(cost), ' .
	    '0) AS c FROM requests'))[0] };
	ok($g->wait_for(sub { $cost->()->{n} >= 50 && !glob("$g->{home}/spill.*")
	    || -s (glob("$g->{home}/spill.*"))[0] == 0 }), 'what was spilled ' .
	    'is in the log');
	ok($g->wait_for(sub { $spent->() == $cost->()->{c} }),
	    'and in the budget: ' . $cost->()->{c}) or diag $spent->();
	$g->finish;
};

done_testing;
