#!/usr/bin/perl

# System calls of one request in steady state, of proxyd's worker and of nginx:
#
#	calls.pl [dialect of the client [of the provider [connections [agent]]]]
#
# With "agent" the request is an agent's, in Anthropic's dialect.

# strace makes all slower: what is true here are the counts.

use strict;
use warnings;
use Bodies;
use Rig;
use Time::HiRes qw(sleep);

my ($from, $to, $c, $agent) = @ARGV;
$from //= 'anthropic';
$to //= 'anthropic';
$c //= 1;

# The process below root that works; the one that has used the most CPU.
sub worker_of {
	my ($root) = @_;
	my ($most, $which) = (-1);

	for my $pid (Rig::tree($root)) {
		my ($ns) = split ' ', Rig::slurp("/proc/$pid/schedstat");
		($most, $which) = ($ns, $pid) if $pid != $root && $ns > $most;
	}
	return $which;
}

sub count {
	my ($name, $root, $port) = @_;
	my $path = path_of($from, "to-$to");
	my $body = $agent ? agent_body("to-$to") :
	    small_body($from, "to-$to");
	my $out = "$Rig::tmp/strace-$name";

	Rig::wrk($port, $path, $body, $c, 1);
	my $pid = Rig::start_on(0, \*STDERR, 'strace', '-c', '-f', '-p',
	    worker_of($root), '-o', $out);
	sleep 0.5;
	my $n = Rig::wrk($port, $path, $body, $c, 2)->{requests};
	Rig::end($pid, 'INT');
	print "$name: $from to $to, $n requests, c=$c\n";
	my @lines = map { my @f = split; [ @f[3, -1], @f > 5 ? $f[4] : 0 ] }
	    grep { /^\s*[\d.]+\s+[\d.]+\s+\d+\s+\d+/ && !/ total$/ }
	    split /\n/, Rig::slurp($out);
	my $sum = 0;
	for (sort { $b->[0] <=> $a->[0] } @lines) {
		my ($calls, $call, $errors) = @$_;
		$sum += $calls;
		next if $calls / $n < 0.01;
		printf "  %-16s %6.2f%s\n", $call, $calls / $n,
		    $errors ? sprintf(' (%.2f failed)', $errors / $n) : '';
	}
	printf "  %-16s %6.2f\n", 'all', $sum / $n;
}

Rig::on_core(1);
my $up = Rig::upstream('-b', 500);
my $nginx = Rig::nginx($up);
my $g = Rig::gateway($up);
count('proxyd', $g->{pid}, $g->port);
count('nginx', $nginx->{pid}, $nginx->{bare});
$g->stop;
