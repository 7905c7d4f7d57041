#!/usr/bin/perl

# The benchmark: see README.md beside it.
#
#	bench.pl [--quick | --soak] [--only REGEX] [--rounds N] [--seconds N]

use strict;
use warnings;
use Bodies;
use Getopt::Long;
use JSON::PP;
use Report;
use Rig;
use Time::HiRes qw(sleep time);

$| = 1;
my %opt = (only => '.');
GetOptions(\%opt, qw(quick soak only=s rounds=i seconds=i streams=i open=i))
    or exit 2;
my $quick = $opt{quick};
my $rounds = $opt{rounds} // ($quick ? 3 : 5);
my $seconds = $opt{seconds} // ($quick ? 1 : 2);
my $nstreams = $opt{streams} // 300;
my $nopen = $opt{open} // 1000;
my $sse_seconds = $opt{seconds} // ($quick ? 1 : 4);
my ($report, $up, $nginx, $g);
my $good = 1;

sub wanted { $_[0] =~ /$opt{only}/ }

# A cell in which anything failed has no figures; the others still have.
sub cell {
	my ($name, $run) = @_;

	return if !wanted($name) || eval { $run->(); 1 };
	warn "$name: $@";
	$good = 0;
}

# Rounds of every target in turn; each begins one later than the last.
sub in_turn {
	my ($targets, $run) = @_;
	my @t = @$targets;

	for (1 .. $rounds) {
		$run->($_) for @t;
		push @t, shift @t;
	}
}

# CPU that one target's processes use while code runs.
sub cpu_of {
	my ($target, $code) = @_;
	my $root = $target->{pid} or return (0, $code->());
	my $before = Rig::cpu_us($root);
	my $result = $code->();

	$g->settled if $target->{name} eq 'proxyd';
	return (Rig::cpu_us($root) - $before, $result);
}

# --- cells 1 and 2: whole bodies -------------------------------------------------

sub plain_targets {
	my ($c) = @_;
	my @t = ({ name => 'nginx', pid => $nginx->{pid},
	    port => $nginx->{bare} }, { name => 'nginx_log',
	    pid => $nginx->{pid}, port => $nginx->{log} },
	    { name => 'proxyd', pid => $g->{pid}, port => $g->port });

	@t = grep { $_->{name} ne 'nginx_log' } @t if $quick && $c > 1;
	push @t, { name => 'direct', port => $up->{plain} } if $c == 1;
	return @t;
}

# What a gateway adds to the time that it takes without one.
sub added {
	my ($v, $name) = @_;
	my %added;

	for my $t (grep { $_ ne 'direct' } keys %{ $v->{$name} }) {
		$added{$t} = [ map { $v->{$name}{$t}[$_] -
		    $v->{$name}{direct}[$_] } 0 .. $rounds - 1 ];
	}
	return \%added;
}

sub plain_figures {
	my ($cell, $from, $to, $body, $c, $at_most) = @_;
	my $path = path_of($from, "to-$to");
	my @targets = plain_targets($c);
	my %v;

	Rig::wrk($_->{port}, $path, $body, $c, 1) for $quick ? () : @targets;
	in_turn(\@targets, sub {
		my ($t) = @_;
		my ($cpu, $r) = cpu_of($t, sub { Rig::wrk($t->{port}, $path,
		    $body, $c, $seconds) });
		die "$t->{name} failed " . encode_json($r)
		    if $r->{failed} || !$r->{requests};
		push @{ $v{cpu}{ $t->{name} } }, $cpu / $r->{requests};
		push @{ $v{rate}{ $t->{name} } },
		    $r->{requests} / $r->{us} * 1e6;
		push @{ $v{$_}{ $t->{name} } }, $r->{$_} for qw(p50 p99);
	});
	delete $v{cpu}{direct};
	$report->add(cell => $cell, what => 'CPU a request', unit => 'us',
	    at_most => $at_most, values => $v{cpu});
	return if $quick && $c > 1;
	if ($c == 1) {
		$report->add(cell => $cell, what => "added $_", unit => 'us',
		    at_most => 1.5, values => added(\%v, $_))
		    for qw(p50 p99);
	} else {
		$report->add(cell => $cell, what => 'requests',
		    unit => '1/s', values => $v{rate});
	}
}

sub plain_cell { my @args = @_; cell($_[0], sub { plain_figures(@args) }) }

# Their names begin with $pre; where everything is on the goals are others.
sub small_cells {
	my ($pre, $same, $translated) = @_;

	for my $c ($quick ? (1, 32) : (1, 8, 32, 256)) {
		for my $d ($quick ? 'openai-chat' : qw(openai-chat anthropic)) {
			plain_cell("${pre}small $d c=$c", $d, $d,
			    small_body($d, "to-$d"), $c, $same);
		}
	}
	my @pairs = $quick ? ([ 'openai-chat', 'anthropic' ],
	    [ 'anthropic', 'openai-chat' ]) : map { my $from = $_;
	    map { $from eq $_ ? () : [ $from, $_ ] } dialects() } dialects();
	for (@pairs) {
		my ($from, $to) = @$_;
		plain_cell("${pre}small $from > $to", $from, $to,
		    small_body($from, "to-$to"), 32, $translated);
	}
}

sub agent_cells {
	my ($pre, $same, $translated) = @_;

	plain_cell("${pre}agent anthropic", 'anthropic', 'anthropic',
	    agent_body('to-anthropic'), 8, $same);
	plain_cell("${pre}agent anthropic > $_", 'anthropic', $_,
	    agent_body("to-$_"), 8, $translated)
	    for $quick ? 'openai-chat' : qw(openai-chat gemini);
}

# --- cell 3: streams -------------------------------------------------------------

sub run_streams {
	my ($port, $path, $body, $n) = @_;
	my $p = Rig::streams($port, $path, $body, $n, 400);
	my @lines = <$p>;

	close $p;
	return decode_json($lines[-1]);
}

sub stream_figures {
	my ($cell, $from, $to, $at_most) = @_;
	my $path = path_of($from, "sse-$to", 1);
	my $body = small_body($from, "sse-$to", 1);
	my @targets = ({ name => 'nginx', pid => $nginx->{pid},
	    port => $nginx->{sse} }, { name => 'proxyd', pid => $g->{pid},
	    port => $g->port }, { name => 'direct',
	    port => $up->{stream} });
	my %v;

	in_turn(\@targets, sub {
		my ($t) = @_;
		my ($cpu, $r) = cpu_of($t, sub { run_streams($t->{port},
		    $path, $body, $nstreams) });
		die "$t->{name} failed " . encode_json($r)
		    if $r->{failed} || !$r->{events} ||
		    $r->{events} % $nstreams;
		push @{ $v{cpu}{ $t->{name} } }, $cpu / $r->{events};
		for my $what (qw(first delay gap)) {
			push @{ $v{"$what $_"}{ $t->{name} } },
			    $r->{$what}{$_} for qw(p50 p99);
		}
	});
	delete $v{cpu}{direct};
	$report->add(cell => $cell, what => 'CPU an event', unit => 'us',
	    at_most => $at_most, values => $v{cpu});
	for my $what ('first p50', 'first p99', 'delay p50', 'delay p99') {
		$report->add(cell => $cell, what => "added $what",
		    unit => 'us', values => added(\%v, $what));
	}
	$report->add(cell => $cell, what => $_, unit => 'us',
	    values => $v{$_}) for 'gap p50', 'gap p99';
}

sub stream_cell { my @args = @_; cell($_[0], sub { stream_figures(@args) }) }

sub stream_cells {
	my ($pre, $same, $translated) = @_;

	stream_cell("${pre}stream anthropic", 'anthropic', 'anthropic', $same);
	stream_cell("${pre}stream openai-chat", 'openai-chat', 'openai-chat',
	    $same) unless $quick;
	stream_cell("${pre}stream openai-chat > anthropic", 'openai-chat',
	    'anthropic', $translated);
	stream_cell("${pre}stream anthropic > openai-chat", 'anthropic',
	    'openai-chat', $translated) unless $quick;
}

# --- cell 4: memory --------------------------------------------------------------

# Memory of a fresh tree: idle, under load, and what an open stream adds.
sub memory_of {
	my ($pid, $plain, $stream, $model) = @_;
	my @body = map { small_body('anthropic', "$_-$model", $_ eq 'sse') }
	    qw(to sse);
	my %m;

	sleep 0.5;
	$m{idle} = Rig::pss_kib($pid) // return;
	my @cmd = Rig::wrk_command($plain, '/v1/messages', $body[0], 32, 2);
	open my $p, '-|', 'taskset', '-c', 1, @cmd or die;
	sleep 1.5;
	$m{steady} = Rig::pss_kib($pid);
	() = <$p>;
	close $p;
	my $before = Rig::pss_kib($pid);
	$p = Rig::streams($stream, '/v1/messages', $body[1], $nopen, 2000);
	die 'streams: no start' unless (<$p> // '') =~ /^open/;
	$m{stream} = (Rig::pss_kib($pid) - $before) / $nopen;
	my ($r) = <$p>;
	close $p;
	die "streams: $r" if decode_json($r)->{failed};
	$m{peak} = Rig::peak_kib($pid);
	return \%m;
}

sub memory_cells {
	my %at = (idle => 12 * 1024, stream => 40);
	my $slow = Rig::upstream('-n', $quick ? 35 : 60, '-t', 100);
	my %v;

	for (1 .. ($quick ? 1 : $rounds)) {
		my $ng = Rig::nginx($slow);
		my $gw = Rig::gateway($slow);
		my %m = (nginx => memory_of($ng->{pid}, $ng->{bare},
		    $ng->{sse}, 'anthropic'),
		    proxyd => memory_of($gw->{pid}, $gw->port, $gw->port,
		    'anthropic'));
		for my $t (keys %m) {
			push @{ $v{$_}{$t} }, $m{$t}{$_}
			    for keys %{ $m{$t} // {} };
		}
		$gw->stop;
		Rig::end($ng->{pid});
	}
	Rig::end($slow->{pid});
	my %what = (idle => 'idle', steady => 'at c=32',
	    stream => 'each open stream', peak => 'peaks of processes, summed');
	for (qw(idle steady stream peak)) {
		$report->add(cell => 'memory', what => $what{$_},
		    unit => 'KiB', values => $v{$_},
		    $at{$_} ? (at_most => "$at{$_} KiB") : ()) if $v{$_};
	}
}

# --- cell 5: everything on -------------------------------------------------------

# Cells 1 to 3 behind 1,000 models, 100 keys for each provider, 1,000 tenants with
# limits and budgets; rows of the log, which are always written.
sub full_cells {
	my $bare = $g;

	return unless $opt{only} =~ /full|^\.$/;
	$g = Rig::gateway($up, full => 1);
	local $Rig::key = Rig::tenants($g, 1000);
	small_cells('full, ', 2.6);
	agent_cells('full, ');
	stream_cells('full, ');
	$g->stop;
	$g = $bare;
}

# --- cell 6: log, start, reload --------------------------------------------------

sub logger_pid { ($_[0]->status->{logger} // '') =~ /^([1-9]\d*)/ ? $1 : undef }

# Requests at one connection, in us.
sub single_latency {
	my ($gw) = @_;
	my $r = Rig::wrk($gw->port, '/v1/messages',
	    small_body('anthropic', 'to-anthropic'), 1, $quick ? 1 : 3);

	return @$r{qw(p50 p99)};
}

sub log_cell {
	my $gw = Rig::gateway($up);
	my $body = small_body('anthropic', 'to-anthropic');
	my $n = $quick ? 1 : 3;		# seconds
	my %v;

	for (1 .. ($quick ? 1 : $rounds)) {
		my $begin = $gw->status->{stat}{rows};
		my $t0 = time;
		Rig::wrk($gw->port, '/v1/messages', $body, 64, $n);
		my $t1 = time;
		$gw->settled;
		push @{ $v{rate} }, ($gw->status->{stat}{rows} - $begin) /
		    (time - $t0);
		push @{ $v{late} }, (time - $t1) * 1000;
		my @with = single_latency($gw);
		my $logger = logger_pid($gw) // next;
		kill 'STOP', $logger;
		my @without = eval { single_latency($gw) };
		my $st = $gw->status->{stat};
		my $behind = $st->{requests} - $st->{rows};
		$t0 = time;
		kill 'CONT', $logger;
		$gw->settled;
		push @{ $v{alone} }, $behind / (time - $t0);
		push @{ $v{ $_ ? 'p99' : 'p50' } }, $without[$_] / $with[$_]
		    for 0, 1;
	}
	my %what = (rate => [ 'rows with load, same core', '1/s' ],
	    late => [ 'last row after last request', 'ms' ],
	    alone => [ 'rows, catching up', '1/s' ],
	    p50 => [ 'p50 while it is behind, to not', 'ratio' ],
	    p99 => [ 'p99 while it is behind, to not', 'ratio' ]);
	for (grep { $v{$_} } qw(rate late alone p50 p99)) {
		$report->add(cell => 'log', what => $what{$_}[0],
		    unit => $what{$_}[1], values => { proxyd => $v{$_} });
	}
	$gw->stop;
}

sub start_cell {
	my @ms;

	for (1 .. $rounds) {
		my $t0 = time;
		my $gw = Rig::gateway($up);
		my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
		    PeerPort => $gw->port) or die;
		my $body = small_body('anthropic', 'to-anthropic');
		print $s "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n" .
		    "Content-Length: " . length($body) . "\r\n\r\n$body";
		$s->flush;
		my $line = <$s> // '';
		die "start: $line" unless $line =~ / 200 /;
		push @ms, (time - $t0) * 1000;
		close $s;
		$gw->stop;
	}
	$report->add(cell => 'start', what => 'to the first answer',
	    unit => 'ms', values => { proxyd => \@ms });
}

# Requests under load while code runs ten times, twice a second.
sub disturbed {
	my ($port, $code) = @_;
	my @cmd = Rig::wrk_command($port, '/v1/messages',
	    small_body('anthropic', 'to-anthropic'), 32, $quick ? 3 : 6);

	open my $p, '-|', 'taskset', '-c', 1, @cmd or die "wrk: $!";
	for my $i (1 .. ($quick ? 4 : 10)) {
		sleep 0.5;
		$code->($i);
	}
	my $r = Rig::wrk_result(join '', <$p>);
	close $p;
	return $r;
}

# Changes app.yml under load: what workers take over, and what replaces them,
# as nginx replaces its own.
sub reload_cell {
	my @kinds = ([ 'new snapshot', 'COOLDOWN: 3%ds' ],
	    [ 'new workers', 'DRAIN_TIMEOUT: 3%ds' ]);
	my $bare = disturbed($nginx->{bare}, sub {
		kill 'HUP', $nginx->{pid};
	});

	for (@kinds) {
		my ($name, $setting) = @$_;
		my $gw = Rig::gateway($up);
		my $r = disturbed($gw->port, sub {
			$gw->write_config(Rig::config($up,
			    sprintf "$setting\n", $_[0] % 10));
			my ($answer) = $gw->control('reload');
			warn 'reload: ', $answer // 'no answer', "\n"
			    unless ($answer // '') =~ /^ok/;
		});
		my @same = $name eq 'new workers' ? $bare : ();
		for ([ 'failed', 'failed' ], [ 'answered', 'requests' ]) {
			my ($what, $key) = @$_;
			$report->add(cell => 'reload',
			    what => "$name: $what", unit => 'requests',
			    $key eq 'failed' ? (at_most => '0') : (),
			    values => { proxyd => [ $r->{$key} ],
			    map { (nginx => [ $_->{$key} ]) } @same });
		}
		$gw->stop;
	}
}

# --- the slow variant ------------------------------------------------------------

# Mixed load until the time is over; memory must not grow in its second half.
sub soak {
	my $end = time + ($ENV{SOAK_SECONDS} // 3600);
	my @load = ([ 'openai-chat', 'openai-chat', 32 ],
	    [ 'openai-chat', 'anthropic', 8 ], [ 'anthropic', 'gemini', 64 ]);
	my (@pss, $requests, $events);

	while (time < $end) {
		for (@load) {
			my ($from, $to, $c) = @$_;
			$requests += Rig::wrk($g->port, path_of($from,
			    "to-$to"), small_body($from, "to-$to"), $c,
			    2)->{requests};
		}
		$requests += Rig::wrk($g->port, '/v1/messages',
		    agent_body('to-openai-chat'), 4, 2)->{requests};
		$events += run_streams($g->port, '/v1/messages',
		    small_body('anthropic', 'sse-openai-chat', 1),
		    100)->{events};
		push @pss, Rig::pss_kib($g->{pid}) // die 'no PSS here';
		printf "%6d s left: %d requests, %d events, %d KiB\n",
		    $end - time, $requests, $events, $pss[-1];
	}
	my $n = int(@pss / 4) || 1;
	my $early = Report::median(@pss[$n .. 2 * $n - 1]);
	my $late = Report::median(@pss[-$n .. -1]);
	$report->add(cell => 'soak', what => 'second quarter', unit => 'KiB',
	    values => { proxyd => [ $early ] });
	$report->add(cell => 'soak', what => 'last quarter', unit => 'KiB',
	    at_most => sprintf('%.0f KiB', $early * 1.02 + 256),
	    values => { proxyd => [ $late ] });
	return $late <= $early * 1.02 + 256;
}

# --- all of it -------------------------------------------------------------------

my $name = $opt{soak} ? 'soak' : $quick ? 'bench-quick' : 'bench';
my $began = time;

Rig::on_core(1);
$report = Report->new(name => $name);
$up = Rig::upstream('-b', 500, '-n', 50 * $sse_seconds, '-t', 20);
$nginx = Rig::nginx($up);
$g = Rig::gateway($up);
$report->head;
if ($opt{soak}) {
	$good = soak();
} else {
	small_cells('', 1.9, 2.4);
	agent_cells('', 1.6, 3.0);
	stream_cells('', 1.15, 1.3);
	full_cells() unless $quick;
	cell('memory', \&memory_cells);
	cell('log', \&log_cell);
	cell('start', \&start_cell);
	cell('reload', \&reload_cell);
}
$g->stop;
$report->save;
printf "%.0f s\n", time - $began;
exit !$good;
