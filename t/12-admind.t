#!/usr/bin/perl

# admind: its pages with and without proxyd, who may ask for them, what it
# refuses, its life.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $bin = abs_path($ENV{BUILDDIR} // 'build/opt') . '/bin';
for (qw(admind proxyd proxyctl)) {
	plan skip_all => "$_ is not built" unless -x "$bin/$_";
}
my $dir = tempdir('admind-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $main = $$;
my %running;
delete @ENV{qw(PROXYD_HOME OPENAI_API_KEY ANTHROPIC_API_KEY GEMINI_API_KEY
    CREDENTIALS_DIRECTORY)};

sub slurp {
	my ($file) = @_;
	open my $f, '<:raw', $file or return '';
	local $/;
	return scalar <$f> // '';
}

sub spew {
	my ($file, $text) = @_;
	open my $f, '>:raw', $file or die "$file: $!";
	print $f $text;
	close $f or die;
}

# A daemon with its ready line: (pid, line).
sub launch {
	my ($program, @args) = @_;
	pipe(my $r, my $w) or die;
	my $pid = fork // die;
	if (!$pid) {
		close $r;
		require Fcntl;
		fcntl($w, Fcntl::F_SETFD(), 0);
		open STDERR, '>>', "$dir/log" or die;
		open STDIN, '<', '/dev/null';
		exec "$bin/$program", @args, '-R', fileno $w or
		    POSIX::_exit(127);
	}
	close $w;
	my $line = <$r> // '';
	chomp $line;
	$running{$pid} = 1;
	return ($pid, $line);
}

sub ended {
	my ($pid) = @_;
	waitpid $pid, 0;
	delete $running{$pid};
	return $? & 127 ? "signal $?" : $? >> 8;
}

sub stop {
	my ($pid) = @_;
	kill 'TERM', $pid;
	return ended($pid);
}

END {
	if (defined $main && $$ == $main) {
		my $was = $?;
		for (keys %running) {
			kill 'KILL', $_;
			waitpid $_, 0;
		}
		$? = $was;
	}
}

my $port;

# Sends text; all that comes until the end or 5 s.
sub raw {
	my ($text, $to, $no_more) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $to // $port) or die "connect: $!";
	my ($in, $end) = ('', time + 5);
	local $SIG{PIPE} = 'IGNORE';

	syswrite $s, $text;
	shutdown $s, 1 if $no_more;
	while (IO::Select->new($s)->can_read($end - time)) {
		sysread($s, $in, 65536, length $in) or return $in;
	}
	return "$in(still open)";
}

sub ask {
	my ($path, %o) = @_;
	my $host = exists $o{host} ? $o{host} : ['localhost'];
	my $text = raw(($o{method} // 'GET') . " $path HTTP/1.1\r\n" .
	    join('', map { "Host: $_\r\n" } @$host) . ($o{more} // '') .
	    "Connection: close\r\n\r\n" . ($o{body} // ''), $o{port});
	my ($head, $body) = split /\r\n\r\n/, $text, 2;
	my ($status) = ($head // '') =~ m{^HTTP/1\.1 (\d+)};
	my %h = map { /^([^:]+): (.*)/ ? (lc $1, $2) : () }
	    split /\r\n/, $head // '';
	return { status => $status // 0, headers => \%h,
	    body => $body // '' };
}

sub json { eval { decode_json($_[0]{body}) } // {} }

my $file = "$dir/<i>&'app.yml";
spew($file, <<'YML');
PORT: 0
ADMIN_PORT: 0
WORKERS: 1
API_KEY_POOLS:
  openai:
    keys: ["sk-topsecret-aaaaaaaaaaaaaaaaaaaaaaaa",
           "sk-topsecret-bbbbbbbbbbbbbbbbbbbbaaaa"]
  anthropic: ["sk-ant-topsecret-cccccccccccccccccc"]
YML
my ($admind, $line) = launch('admind', '-d', "$dir/home", '-f', $file);
($port) = $line =~ /^ready 127\.0\.0\.1 (\d+)$/;
ok($port, 'admind says where it serves') or BAIL_OUT("admind: $line");

subtest 'before proxyd was ever started' => sub {
	my $r = ask('/status');
	is($r->{status}, 200, 'the page');
	like($r->{headers}{'content-type'}, qr{^text/html}, 'is HTML');
	like($r->{body}, qr/not running/, 'and says so');
	my $j = json(ask('/api/status'));
	ok(exists $j->{proxyd} && !$j->{proxyd}{running},
	    'so does /api/status');
	like($j->{database}{error}, qr/proxyd\.db.*not there yet/,
	    'there is no database');
	is($j->{admind}{port}, $port, 'its own port');
	is($j->{admind}{pid}, $admind, 'its own pid');
	$r = ask('/v1/api-keys/stats');
	is($r->{status}, 503, 'no statistics yet');
	ok(json($r)->{error}{message}, 'in an envelope');
	is(json(ask('/healthz'))->{status}, 'ok', '/healthz');
	ok(!-e "$dir/home/proxyd.db", 'it makes no database');
	ok(!-e "$dir/home/secret.key", 'and no key');
};

subtest 'while proxyd runs' => sub {
	my ($pid, $ready) = launch('proxyd', '-d', "$dir/home", '-f', $file);
	my ($api) = $ready =~ /^ready \S+ (\d+)$/;
	ok($api, 'proxyd serves') or diag $ready;
	for my $model ('mock-echo', 'mock-500') {
		ask('/v1/chat/completions', port => $api, method => 'POST',
		    more => "Content-Length: 69\r\n", body => sprintf '%-69s',
		    qq({"model":"$model","messages":[{"role":"user",) .
		    '"content":"x"}]}');
	}
	my $r = ask('/status');
	like($r->{body}, qr/>running</, 'the page says so');
	like($r->{body}, qr/worker 0/, 'workers');
	like($r->{body}, qr/127\.0\.0\.1:$api/, 'address');
	like($r->{body}, qr/&lt;i&gt;&amp;&#39;app\.yml/, 'names are escaped');
	unlike($r->{body}, qr/<i>|<script|style="|onload/,
	    'no markup that is not ours');
	my $j = json(ask('/api/status'));
	ok($j->{proxyd}{running}, '/api/status');
	is($j->{proxyd}{port}, $api, 'port');
	is($j->{proxyd}{pid}, $pid, 'pid');
	is($j->{proxyd}{config}, $file, 'configuration');
	is(scalar @{ $j->{proxyd}{workers} }, 1, 'workers');
	is($j->{proxyd}{counters}{requests}, 2, 'counters');
	is($j->{database}{keys}, 3, 'number of keys');
	is($j->{database}{providers}, 4, 'number of providers');
	my $s = json(ask('/v1/api-keys/stats'));
	is_deeply([ sort keys %$s ], [ 'anthropic', 'openai' ],
	    'statistics: providers');
	is(scalar keys %{ $s->{openai} }, 2,
	    'two keys that look the same are two');
	my ($k) = values %{ $s->{anthropic} };
	is($k->{total_requests}, 0, 'total_requests');
	ok(exists $k->{$_}, $_) for qw(successful_requests failed_requests
	    success_rate last_used status_codes);
	unlike(ask($_)->{body}, qr/topsecret/, "no key in $_")
	    for '/', '/status', '/api/status', '/v1/api-keys/stats';
	is(stop($pid), 0, 'proxyd ends');
	like(ask('/status')->{body}, qr/not running/, 'which is seen');
	$j = json(ask('/api/status'));
	is($j->{database}{requests}, 2, 'the log can still be read');
	is(ask('/v1/api-keys/stats')->{status}, 200, 'and the statistics');
};

subtest 'headers' => sub {
	for my $path ('/status', '/style.css', '/healthz', '/api/status', '/nope') {
		my $h = ask($path)->{headers};
		like($h->{'content-security-policy'},
		    qr/^default-src 'none';.*frame-ancestors 'none'/,
		    "$path: policy");
		unlike($h->{'content-security-policy'}, qr/unsafe|script/,
		    "$path: and no exception");
		is($h->{'x-content-type-options'}, 'nosniff',
		    "$path: nosniff");
		is($h->{'x-frame-options'}, 'DENY', "$path: no frame");
		ok($h->{'cache-control'}, "$path: cache");
	}
	for my $path ('/', '/ui/app.js', '/ui/app.css', '/ui/pages/logs.js') {
		my $r = ask($path);
		my $h = $r->{headers};
		is($r->{status}, 200, "$path: there");
		like($h->{'content-security-policy'}, qr/^default-src 'none';/,
		    "$path: policy");
		unlike($h->{'content-security-policy'}, qr/unsafe|http|\*/,
		    "$path: nothing from elsewhere");
		unlike($r->{body}, qr{(?:src|href)="(?:https?:)?//},
		    "$path: nor asked for");
		ok($h->{etag}, "$path: a tag");
		my $again = ask($path, more => "If-None-Match: $h->{etag}\r\n");
		is($again->{status}, 304, "$path: not sent twice");
		my $small = ask($path, more => "Accept-Encoding: gzip\r\n");
		is($small->{headers}{'content-encoding'}, 'gzip',
		    "$path: compressed");
	}
	unlike(ask('/')->{body}, qr/<script>|<style|\son\w+=|style="/,
	    'no script and no style within the page');
	like(ask('/style.css')->{headers}{'content-type'}, qr{^text/css},
	    'the style sheet');
	my $get = ask('/healthz');
	my $head = ask('/healthz', method => 'HEAD');
	is($head->{status}, 200, 'HEAD');
	is($head->{body}, '', 'without a body');
	is($head->{headers}{'content-length'}, length $get->{body},
	    'but with its length');
};

subtest 'methods and paths' => sub {
	for my $m (qw(POST PUT PATCH DELETE OPTIONS TRACE BREW)) {
		my $r = ask('/api/status', method => $m);
		is($r->{status}, 405, "$m: 405");
		is($r->{headers}{allow}, 'GET, HEAD', "$m: Allow");
	}
	my $r = ask('/', method => 'POST', more => "Content-Length: 5\r\n",
	    body => 'hello');
	is($r->{status}, 405, 'a body is not waited for');
	unlike(raw("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n" .
	    "\r\n"), qr/still open/, 'nor one that does not come');
	for my $path ('/nope', '//', '/api/status/', '/API/status', '/api',
	    '/%61pi/status', '/../api/status', '/style.css%00', '/./',
	    '/ui/style.css', '/ui/', '/ui/../app.js', '/index.html') {
		is(ask($path)->{status}, 404, "$path: 404");
	}
	is(ask('/api/status?x=1')->{status}, 200, 'a query is nothing');
	is(ask('*', method => 'OPTIONS')->{status}, 405, 'OPTIONS *');
	like(ask('/nope')->{headers}{'content-type'}, qr/^text\/plain/,
	    'an error for people');
	ok(json(ask('/api/nope'))->{error}{message}, 'one for programs');
	for my $bad ("GET\r\n\r\n", "\0\0\0\0\r\n\r\n", 'x' x 100000,
	    "GET / HTTP/1.1\r\nHost: localhost\r\nX: " . 'y' x 100000 .
	    "\r\n\r\n", "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n") {
		my $said = raw($bad, $port, 1);
		unlike($said, qr{^HTTP/1\.1 200}, 'nonsense is not served: ' .
		    join ' ', map { sprintf '%.20s', s/[^ -~]/./gr } $bad);
	}
	is(ask('/healthz')->{status}, 200, 'and does no harm');
};

subtest 'whom it serves' => sub {
	for my $host ("localhost:$port", 'LOCALHOST', '127.0.0.1',
	    "127.0.0.1:$port", '127.1.2.3', '[::1]', "[::1]:$port") {
		is(ask('/api/status', host => [ $host ])->{status}, 200,
		    "Host: $host");
	}
	for my $host ([ 'evil.example' ], [ "evil.example:$port" ],
	    [ 'localhost.evil.example' ], [ '127.0.0.1.evil.example' ],
	    [ '127.0.0.1@evil.example' ], [ '0.0.0.0' ], [ '10.0.0.1' ],
	    [ '' ], [ 'localhost', 'evil.example' ],
	    [ 'evil.example', 'localhost' ], [ 'localhost', 'localhost' ],
	    [ '[::1' . 'x' x 99 . ']' ], [ 'local' ]) {
		my $s = ask('/api/status', host => $host)->{status};
		like($s, qr/^40[03]$/, "Host: @$host");
	}
	like(ask('/', host => [])->{status}, qr/^40[03]$/, 'no Host');
	like(raw("GET / HTTP/1.0\r\n\r\n"), qr{^HTTP/1\.\d 403},
	    'HTTP/1.0 without Host');
	is(ask('/healthz', host => [ 'evil.example' ])->{status}, 403,
	    'no page is excepted');
};

subtest 'its life' => sub {
	my ($pid, $said) = launch('admind', '-d', "$dir/home", '-f', $file);
	like($said, qr/^error another admind holds .*admind\.pid/,
	    'no second one on this home');
	is(ended($pid), 1, 'exit status 1');
	($pid, $said) = launch('admind', '-d', "$dir/two", '-p', $port);
	like($said, qr/^error cannot listen on .* port $port: .*ADMIN_PORT/,
	    'nor on this port');
	is(ended($pid), 2, 'exit status 2');
	ok(!-s "$dir/two/admind.pid" || !kill(0, slurp("$dir/two/admind.pid")
	    =~ /^(\d+)/), 'it is not said to run');
	spew("$dir/bad.yml", "ADMIN_PORT: x\n");
	($pid, $said) = launch('admind', '-d', "$dir/two", '-f',
	    "$dir/bad.yml");
	like($said, qr/^error .*bad\.yml:1: ADMIN_PORT: expected/,
	    'nor with a mistake in its file');
	is(ended($pid), 2, 'exit status 2');
	like(slurp("$dir/home/admind.pid"), qr/^$admind\n127\.0\.0\.1 $port\n/,
	    'the pid file');
	kill 'HUP', $admind;
	is(ask('/healthz')->{status}, 200, 'HUP does nothing');
	my @open = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $port) } 1 .. 20;
	is(ask('/healthz')->{status}, 200, 'idle connections hinder nobody');
	is(stop($admind), 0, 'TERM ends it, exit status 0');
	ok(!-e "$dir/home/admind.pid", 'the pid file is gone');
	spew("$dir/all.yml", "ADMIN_HOST: 0.0.0.0\nADMIN_PORT: 0\n");
	($pid, $said) = launch('admind', '-d', "$dir/home", '-f',
	    "$dir/all.yml");
	($port) = $said =~ /^ready 0\.0\.0\.0 (\d+)$/;
	is(ask('/healthz', host => [ '127.0.0.1' ])->{status}, 200,
	    'ADMIN_HOST 0.0.0.0: the address that was connected to');
	is(ask('/healthz', host => [ '0.0.0.0' ])->{status}, 403,
	    'but not that as a name');
	is(ask('/healthz', host => [ 'evil.example' ])->{status}, 403,
	    'and no other');
	kill 'INT', $pid;
	is(ended($pid), 0, 'INT ends it too');
};

my @bad = grep { /: (?:alert|fatal): |Sanitizer|: runtime error: / }
    split /\n/, slurp("$dir/log");
is("@bad", '', 'nothing bad in the log');

done_testing;
