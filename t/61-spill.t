#!/usr/bin/perl

# A logger that does not write: records go by the spill file, none is lost and
# none is doubled, also when the worker dies in between.

use strict;
use warnings;
use Client;
use Gateway;
use Test::More;

my $body = { model => 'mock-echo', messages => [
    { role => 'user', content => 'hello' } ] };
my $many = 5000;		# a ring holds fewer

sub ask_many {
	my ($g, $n) = @_;
	my $c = Client->new($g->port);

	for (1 .. $n) {
		my $r = $c->request(POST => '/v1/chat/completions', {},
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

done_testing;
