#!/usr/bin/perl

# Processes: crash, hang, drain, back-off, orphaned children; every request that
# ended has exactly one row, whoever is killed.

use strict;
use warnings;
use Client;
use Gateway;
use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(sleep time);

my $body = { model => 'mock-echo', messages => [
    { role => 'user', content => 'hello' } ] };

sub ask {
	my ($g, $model, %more) = @_;
	return eval { Client->once($g->port, POST => '/v1/chat/completions',
	    {}, { %$body, model => $model // 'mock-echo', %more }) };
}

# Asks in a loop until told, $n at a time, on connections that are kept as long as
# the gateway wants; tells how many were answered, and how many were not.
sub load {
	my ($g, $n) = @_;
	pipe(my $r, my $w) or die;
	my @pid = map { my $pid = fork // die; $pid || loader($g, $w) }
	    1 .. $n // 1;
	close $w;
	return sub {
		kill 'TERM', @pid;
		my ($good, $bad) = (0, 0);
		while (<$r>) {
			my @n = split;
			$good += $n[0];
			$bad += $n[1];
		}
		waitpid $_, 0 for @pid;
		return wantarray ? ($good, $bad) : $good;
	};
}

sub loader {
	my ($g, $w) = @_;
	my ($good, $bad, $stop, $c) = (0, 0, 0);

	local $SIG{TERM} = sub { $stop = 1 };
	while (!$stop) {
		$c //= eval { Client->new($g->port, timeout => 5) };
		my $x = $c && eval { $c->request(POST =>
		    '/v1/chat/completions', {}, $body)->response };
		if ($x && $x->{complete} && $x->{status} == 200) {
			$good++;
			$c = undef if ($x->{headers}{connection} // '') eq
			    'close';
			sleep 0.002;
		} elsif (!$stop) {
			$bad++;
			$c = undef;
		}
	}
	print $w "$good $bad\n";
	close $w;
	POSIX::_exit(0);
}

subtest 'a worker is killed under load' => sub {
	my $g = Gateway->new(allow => qr/was killed by signal 9/);
	my $stop = load($g);
	for (1 .. 2) {
		sleep 0.3;
		my $st = $g->status;
		my ($w) = grep { $_->{state} eq 'running' }
		    @{ $st->{worker} };
		kill 'KILL', $w->{pid} if $w;
	}
	ok($g->wait_for(sub { 2 == grep { $_->{state} eq 'running' }
	    @{ $g->status->{worker} } }, 15), 'workers are respawned');
	my $answered = $stop->();
	ok($g->wait_for(sub {
		$g->status->{stat}{rows} >= $answered }), 'rows are written');
	my $rows = () = $g->rows("status = 200 AND path != '/healthz'");
	# One that was killed may have answered and died before its record.
	ok($rows >= $answered - 2, "rows $rows for $answered answers");
	my %id;
	$id{ $_->{request_id} }++ for $g->rows;
	is((grep { $_ > 1 } values %id), 0, 'no row twice');
	$g->{crashed} = 1;	# requests begun by the dead have no row
	$g->finish;
};

subtest 'the logger is killed under load' => sub {
	my $g = Gateway->new(allow => qr/logger 0 .* was killed/);
	my $stop = load($g);
	for (1 .. 3) {
		sleep 0.3;
		$g->status->{logger} =~ /^(\d+) running/ and
		    kill 'KILL', $1;
	}
	sleep 0.2;
	my $answered = $stop->();
	ok($g->settled, 'every request has its row');
	my %id;
	$id{ $_->{request_id} }++ for $g->rows;
	is(scalar keys %id, $g->status->{stat}{requests}, 'all of them');
	is((grep { $_ > 1 } values %id), 0, 'none twice');
	ok($answered > 0, "$answered answers");
	$g->finish;
};

subtest 'a worker that hangs is killed' => sub {
	plan skip_all => 'takes 30 s; set SLOW=1' unless $ENV{SLOW};
	my $g = Gateway->new(allow => qr/has not answered|was killed/,
	    args => ['-w', 1]);
	my $pid = $g->status->{worker}[0]{pid};
	kill 'STOP', $pid;
	ok($g->wait_for(sub { my $w = $g->status->{worker}[0];
	    $w->{pid} != $pid && $w->{state} eq 'running' }, 45),
	    'killed and respawned');
	is(ask($g)->{status}, 200, 'and it serves');
	$g->finish;
};

subtest 'told to stop, a stream ends first' => sub {
	my $g = Gateway->new;
	my $c = Client->new($g->port)->request(POST =>
	    '/v1/chat/completions', {}, { %$body, model => 'mock-slow',
	    stream => \1 });
	ok($g->wait_for(sub { grep { $_->{inflight} }
	    @{ $g->status->{worker} } }), 'in flight');
	kill 'TERM', $g->{pid};
	my $r = $c->response;
	is($r->{status}, 200, 'answered');
	ok($r->{complete}, 'and complete');
	like($r->{body}, qr/\[DONE\]/, 'to its last event');
	ok($g->wait_for(sub { waitpid($g->{pid}, WNOHANG) == $g->{pid} }),
	    'then it has stopped');
	$g->{exit} = $? >> 8;
	$g->{pid} = 0;
	is(scalar(my @r = $g->rows), 1, 'its row is written');
	$g->finish;
};

subtest 'no new connection while draining' => sub {
	my $g = Gateway->new;
	my $slow = Client->new($g->port)->request(POST =>
	    '/v1/chat/completions', {}, { %$body, model => 'mock-slow' });
	my $idle = Client->new($g->port);
	is($idle->request(GET => '/healthz')->response->{status}, 200,
	    'kept alive');
	$g->wait_for(sub { grep { $_->{inflight} }
	    @{ $g->status->{worker} } });
	kill 'TERM', $g->{pid};
	ok(!$idle->fill, 'an idle connection is closed');
	ok($idle->{eof}, 'in time');
	is($slow->response->{status}, 200, 'a busy one is served');
	ok($g->wait_for(sub { waitpid($g->{pid}, WNOHANG) == $g->{pid} }),
	    'stopped');
	$g->{exit} = $? >> 8;
	$g->{pid} = 0;
	$g->finish;
};

subtest 'what comes late on a kept connection is answered' => sub {
	my $g = Gateway->new(config => "WORKERS: 1\n", args => []);
	my @c = map { Client->new($g->port) } 1, 2;
	is($_->request(GET => '/healthz')->response->{status}, 200,
	    'kept alive') for @c;
	my $old = $g->status->{worker}[0]{pid};
	$g->write_config("WORKERS: 2\n");
	like("@{[ $g->control('reload') ]}", qr/workers replaced/, 'reload');
	ok($g->wait_for(sub { grep { $_->{state} eq 'draining' }
	    @{ $g->status->{worker} } }), 'the old worker drains');
	my $r = $c[0]->request(POST => '/v1/chat/completions', {},
	    $body)->response;
	is($r->{status}, 200, 'a request to it is answered');
	is($r->{headers}{connection}, 'close', 'as the last one');
	ok(!$c[0]->fill && $c[0]{eof}, 'and its connection ends');
	ok(!$c[1]->fill && $c[1]{eof}, 'as does one that stays idle');
	ok($g->wait_for(sub { !kill 0, $old }, 5), 'then the worker goes');
	$g->finish;
};

subtest 'the master is killed' => sub {
	my $g = Gateway->new;
	my $st = $g->status;
	my @pid = ((map { $_->{pid} } @{ $st->{worker} }),
	    $st->{logger} =~ /^(\d+)/);
	is(ask($g)->{status}, 200, 'served');
	kill 'KILL', $g->{pid};
	waitpid $g->{pid}, 0;
	$g->{pid} = 0;
	ok($g->wait_for(sub { !grep { kill 0, $_ } @pid }),
	    'the others end by themselves');
	is(scalar(my @r = $g->rows), 1, 'the row is written');
	like($g->log_text, qr/the master is gone/, 'and they say why');
	$g->start;
	is(ask($g)->{status}, 200, 'a new one starts on the same files');
	$g->finish;
};

subtest 'reload' => sub {
	my $g = Gateway->new(config => "WORKERS: 2\n", args => []);
	my $before = $g->status;
	my @lines = $g->control('reload');
	is($lines[0], 'ok', 'reload');
	is($lines[1], 'changed 0', 'nothing has changed');
	$g->write_config("MODELS:\n  - route_key: mine\n" .
	    "    target_model: mock-echo\n    provider: mock\nWORKERS: 2\n");
	@lines = $g->control('reload');
	is("@lines[0,1]", 'ok changed 1', 'a model is added');
	ok($g->wait_for(sub { ask($g, 'mine')->{status} == 200 }, 2),
	    'and is served in time');
	$g->write_config("PROT: 3\n");
	@lines = $g->control('reload');
	like($lines[0], qr/^error .*app\.yml:1.*PROT.*PORT/,
	    'a broken file is refused with file, line and reason');
	is(ask($g, 'mine')->{status}, 200, 'the old one stays');
	$g->write_config("WORKERS: 3\n");
	@lines = $g->control('reload');
	like("@lines", qr/workers replaced/, 'another number of workers');
	ok($g->wait_for(sub {
		my @w = @{ $g->status->{worker} };
		3 == @w && 3 == grep { $_->{state} eq 'running' } @w }),
	    'takes new ones');
	is(ask($g)->{status}, 200, 'which serve');
	$g->finish;
};

subtest 'the file is watched' => sub {
	my $g = Gateway->new(config => "WORKERS: 1\n", args => []);
	$g->write_config("WORKERS: 1\nMODELS:\n  - route_key: seen\n" .
	    "    target_model: mock-echo\n    provider: mock\n");
	ok($g->wait_for(sub { ask($g, 'seen')->{status} == 200 }, 5),
	    'a change is taken');
	$g->finish('watched');
	$g = Gateway->new(config => "WORKERS: 1\n", args => ['-n']);
	$g->write_config("WORKERS: 1\nMODELS:\n  - route_key: seen\n" .
	    "    target_model: mock-echo\n    provider: mock\n");
	sleep 1.5;
	is(ask($g, 'seen')->{status}, 404, 'not with -n');
	$g->finish('not watched');
};

subtest 'reload under load loses nothing' => sub {
	my $g = Gateway->new(config => "WORKERS: 2\n", args => []);
	my $stop = load($g, 8);
	for my $n (1 .. 5) {
		$g->write_config("WORKERS: " . (2 + $n % 2) . "\n");
		like("@{[ $g->control('reload') ]}", qr/workers replaced/,
		    'workers are replaced');
		sleep 0.4;
	}
	my ($good, $bad) = $stop->();
	ok($good > 100, "$good served");
	is($bad, 0, 'and none refused, cut or answered with an error');
	ok($g->settled, 'a row a request');
	$g->finish;
};

subtest 'upgrade' => sub {
	my $g = Gateway->new;
	my $old = $g->{pid};
	my $slow = Client->new($g->port)->request(POST =>
	    '/v1/chat/completions', {}, { %$body, model => 'mock-slow',
	    stream => \1 });
	$g->wait_for(sub { grep { $_->{inflight} }
	    @{ $g->status->{worker} } });
	is(($g->control('upgrade'))[0], 'ok', 'a new master serves');
	isnt($g->status->{pid}, $old, 'another one');
	is(ask($g)->{status}, 200, 'on the same port');
	my $r = $slow->response;
	ok($r->{complete} && $r->{body} =~ /\[DONE\]/,
	    'a stream ends in the old worker');
	ok($g->wait_for(sub { waitpid($old, WNOHANG) == $old }),
	    'the old one goes');
	is($? >> 8, 0, 'in peace');
	$g->{pid} = $g->status->{pid};
	ok($g->wait_for(sub { (() = $g->rows) == 2 }), 'both have rows');
	$g->control('stop');
	ok($g->wait_for(sub { !kill 0, $g->{pid} }), 'and stops when told');
	ok(!-e "$g->{home}/$_", "$_ is gone")
	    for qw(proxyd.pid proxyd.sock);
	$g->{pid} = 0;
	$g->{exit} = 0;
	$g->finish;
};

subtest 'an upgrade that fails' => sub {
	my $g = Gateway->new(config => "WORKERS: 1\n", args => ['-n']);
	$g->write_config("PROT: 1\n");
	like(($g->control('upgrade'))[0], qr/^error .*PROT/, 'is refused');
	is(ask($g)->{status}, 200, 'the old one stays');
	ok(-e "$g->{home}/$_", "$_ is there") for qw(proxyd.pid proxyd.sock);
	$g->finish;
};

subtest 'two on one home' => sub {
	my $g = Gateway->new;
	my $h = Gateway->new(home => $g->{home}, may_fail => 1);
	ok(!$h->{pid}, 'the second does not start');
	like($h->{error}, qr/runs already/, 'and says why');
	is(ask($g)->{status}, 200, 'the first is unharmed');
	delete $h->{exit};
	$g->finish;
};

subtest 'told to stop as soon as they are born' => sub {
	my $g = Gateway->new(config => "WORKERS: 8\n", allow =>
	    qr/was killed by signal 9|exited 0/);
	my $file = "/proc/$g->{pid}/task/$g->{pid}/children";
	my $born = sub { open my $f, '<', $file or die; split ' ', <$f> };
	my %seen = map { $_ => 1 } $born->();
	my ($n, $end) = (0, time + 3);
	$g->{crashed} = 1;
	$g->kill_children('KILL');
	while ($n < 8 && time < $end) {
		for my $pid (grep { !$seen{$_}++ } $born->()) {
			kill TERM => $pid;
			$n++;
		}
	}
	cmp_ok($n, '>', 3, 'others came');
	$g->stop;
	unlike($g->log_text, qr/killed by signal 15/, 'they end of themselves');
	$g->finish;
};

subtest 'the port is taken' => sub {
	my $g = Gateway->new;
	my $h = Gateway->new(port => $g->port, may_fail => 1);
	ok(!$h->{pid}, 'the second does not start');
	like($h->{error}, qr/cannot listen on .* port .*PORT in app\.yml/,
	    'and says what to do');
	delete $h->{exit};
	$g->finish;
};

done_testing;
