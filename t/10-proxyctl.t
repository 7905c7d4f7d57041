#!/usr/bin/perl

# proxyctl: its words and options, check, convert, and the life of both daemons,
# with the exit status of each case.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $bin = abs_path($ENV{BUILDDIR} // 'build/opt') . '/bin';
plan skip_all => 'proxyctl is not built' unless -x "$bin/proxyctl";

my $dir = tempdir('ctl-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $main = $$;
delete @ENV{qw(PROXYD_HOME OPENAI_API_KEY ANTHROPIC_API_KEY GEMINI_API_KEY
    CREDENTIALS_DIRECTORY http_proxy HTTP_PROXY)};
chdir $dir or die;

sub spew {
	my ($file, $text) = @_;
	open my $f, '>:raw', $file or die "$file: $!";
	print $f $text;
	close $f or die;
}

sub slurp {
	my ($file) = @_;
	open my $f, '<:raw', $file or return '';
	local $/;
	return scalar <$f> // '';
}

# Runs proxyctl; (status, standard output, standard error).
sub start_it {
	my ($in, @args) = @_;
	spew("$dir/in", $in);
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN, '<', "$dir/in" or die;
		open STDOUT, '>', "$dir/out" or die;
		open STDERR, '>', "$dir/err" or die;
		exec "$bin/proxyctl", @args or POSIX::_exit(127);
	}
	return $pid;
}

sub feed {
	waitpid start_it(@_), 0;
	return ($? & 127 ? 256 + $? : $? >> 8, slurp("$dir/out"),
	    slurp("$dir/err"));
}

sub ctl { feed('', @_) }

sub is_status {
	my ($want, $got, $out, $err, $name) = @_;
	is($got, $want, $name) or diag "out: $out\nerr: $err";
}

# A command with its exit status and what it must say.
sub says {
	my ($want, $re, $name, @args) = @_;
	my ($r, $out, $err) = ctl(@args);
	is_status($want, $r, $out, $err, "$name: exit status $want");
	like($r == 0 ? $out : $out . $err, $re, "$name: text");
	return ($out, $err);
}

subtest 'words and options' => sub {
	says(1, qr/^usage: proxyctl/m, 'nothing');
	says(0, qr/^convert --from dialect --to dialect/m, 'help', 'help');
	says(0, qr/^usage: proxyctl stop/, 'help of one', 'help', 'stop');
	says(0, qr/^usage: proxyctl stop/, '--help', 'stop', '--help');
	says(0, qr/^proxyctl \d+\.\d+/, 'version', 'version');
	says(1, qr/unknown command 'statsu', did you mean 'status'\?.*usage:/s,
	    'a slip', 'statsu');
	says(1, qr/did you mean 'status'/, 'a beginning', 'statu');
	says(1, qr/unknown command 'frobnicate'\n/, 'nothing near',
	    'frobnicate');
	says(1, qr/start: unknown option '--prot', did you mean '--port'\?/,
	    'a slip in an option', 'start', '--prot', '1');
	says(1, qr/takes no option '--stream'/, "another word's option",
	    'status', '--stream');
	says(1, qr/a value is missing for '--port'/, 'no value', 'start',
	    '--port');
	says(1, qr/no value wanted in '--web=1'/, 'a value too many', 'start',
	    '--web=1');
	says(1, qr/needs option '--to'/, 'an option is missing', 'convert',
	    '--from', 'gemini');
	says(1, qr/unexpected 'now'/, 'an operand', 'stop', 'now');
	says(1, qr/--port '80a': expected a number/, 'no number', 'start',
	    '--port', '80a');
	says(1, qr/--port '65536': expected/, 'too large a number', 'start',
	    '--port=65536');
	says(1, qr/home directory is too long/, 'a long home', '--home',
	    '/' . 'x' x 2000, 'status');
	ok(!-e 'var', 'no mistake has made a file');
};

subtest 'nothing runs' => sub {
	says(3, qr/proxyd\s+not running in \Q$dir\E\/var/, 'status', 'status');
	says(3, qr/nothing runs in .*proxyctl start/, 'stop', 'stop');
	says(3, qr/does not run in .*proxyctl start/, 'reload', 'reload');
	says(3, qr/does not run in/, 'upgrade', 'upgrade');
	my ($r, $out) = ctl('status', '--json');
	is($r, 3, 'status --json: exit status');
	my $j = decode_json($out);
	ok(!$j->{proxyd}{running} && !$j->{admind}{running},
	    'status --json says it');
};

subtest 'check' => sub {
	says(0, qr/built in.*only the mock answers.*not there yet/s,
	    'no file, no database', 'check');
	spew('good.yml', <<'YML');
HOST: 0.0.0.0
PORT: 0
ADMIN_PORT: 0
PREFERRED_PROVIDER: anthropic
API_KEY_POOLS:
  openai:
    keys: ["sk-secret-aaaaaaaaaaaaaaaaaaaa", "sk-secret-bbbbbbbbbbbbbbbbbbbb"]
PROVIDERS:
  local:
    dialect: openai-chat
    base_url: http://127.0.0.1:9/v1
    keyless: true
MODELS:
  - {route_key: fast, target_model: qwen3, provider: local}
  - {route_key: smart, target_model: claude-x, provider: anthropic}
YML
	my ($out) = says(0, qr/good\.yml: ok/, 'a good file', 'check',
	    '--config', 'good.yml');
	like($out, qr/^  openai\s+openai-chat\s+2 keys/m, 'number of keys');
	like($out, qr/^  local\s+openai-chat\s+no key needed/m, 'keyless');
	like($out, qr/^  fast: qwen3 of local$/m, 'models');
	like($out, qr/^warning: HOST is 0\.0\.0\.0/m, 'warns of HOST');
	like($out, qr/^warning: PREFERRED_PROVIDER anthropic has no key/m,
	    'warns of the preferred provider');
	like($out, qr/^warning: model 'smart' goes to 'anthropic'/m,
	    'warns of a model without key');
	unlike($out, qr/secret/, 'shows no key');
	spew('bad.yml', "PORT: 0\nPROT: 1\n");
	says(1, qr/bad\.yml:2: .*'PROT'.*'PORT'/, 'an unknown key', 'check',
	    '--config', 'bad.yml');
	spew('bad.yml', "PORT: 0\nHOST: [a\n");
	says(1, qr/bad\.yml:\d+: /, 'no YAML', 'check', '--config', 'bad.yml');
	says(1, qr/cannot read 'none\.yml': No such file/, 'no file', 'check',
	    '--config', 'none.yml');
	mkdir 'home';
	spew('home/proxyd.db', 'no database, but long enough ' x 100);
	says(1, qr/proxyd\.db/, 'a broken database', '--home', 'home',
	    'check');
	unlink 'home/proxyd.db';
	ok(!-e 'home/secret.key', 'check makes nothing');
};

my %request = (
	'openai-chat' => { model => 'm', messages => [
	    { role => 'user', content => 'hi' } ] },
	'openai-responses' => { model => 'm', input => 'hi' },
	anthropic => { model => 'm', max_tokens => 9, messages => [
	    { role => 'user', content => 'hi' } ] },
	gemini => { contents => [ { role => 'user',
	    parts => [ { text => 'hi' } ] } ] },
);
my %answer = (
	'openai-chat' => { id => 'x', object => 'chat.completion',
	    created => 1, model => 'm', choices => [ { index => 0,
	    finish_reason => 'stop', message => { role => 'assistant',
	    content => 'hello' } } ] },
	anthropic => { id => 'msg_1', type => 'message', role => 'assistant',
	    model => 'm', content => [ { type => 'text', text => 'hello' } ],
	    stop_reason => 'end_turn',
	    usage => { input_tokens => 1, output_tokens => 2 } },
	gemini => { modelVersion => 'm', candidates => [ { index => 0,
	    finishReason => 'STOP', content => { role => 'model',
	    parts => [ { text => 'hello' } ] } } ] },
);

sub text_of {
	my ($dialect, $j) = @_;
	return $j->{choices}[0]{message}{content} if $dialect =~ /chat/;
	return $j->{content}[0]{text} if $dialect eq 'anthropic';
	return $j->{candidates}[0]{content}{parts}[0]{text}
	    if $dialect eq 'gemini';
	return $j->{output}[0]{content}[0]{text};
}

subtest 'convert' => sub {
	for my $from (sort keys %request) {
		for my $to (sort keys %request) {
			my ($r, $out, $err) = feed(
			    encode_json($request{$from}), 'convert', '--from',
			    $from, '--to', $to, '--model', 'm');
			is_status(0, $r, $out, $err,
			    "request $from to $to");
			like($out, qr/"hi"/, 'has the text');
			ok(eval { decode_json($out) }, 'is JSON');
		}
	}
	for my $from (sort keys %answer) {
		for my $to (sort keys %request) {
			my $body = encode_json($answer{$from});
			my @how = ('convert', '--response', '--from', $from,
			    '--to', $to);
			my ($r, $out, $err) = feed($body, @how);
			is_status(0, $r, $out, $err, "answer $from to $to");
			is(text_of($to, eval { decode_json($out) } // {}),
			    'hello', 'has the text');
			($r, $out, $err) = feed($body, @how, '--stream');
			is_status(0, $r, $out, $err, '... as a stream');
			like($out, qr/^data: /m, 'of events');
			($r, $out, $err) = feed($out, 'convert', '--response',
			    '--from', $to, '--to', $from);
			is(text_of($from, eval { decode_json($out) } // {}),
			    'hello', '... and back, folded');
		}
	}
	my $lossy = encode_json({ %{ $request{'openai-chat'} },
	    logit_bias => { 1 => 2 } });
	my ($r, $out, $err) = feed($lossy, qw(convert --from openai-chat --to
	    anthropic));
	is($r, 0, 'with a loss');
	like($err, qr/^dropped logit_bias: \S/m, 'which is told');
	($r, $out, $err) = feed($lossy, qw(convert --from openai-chat --to
	    gemini --stream --explain));
	my $j = decode_json($err);
	is($j->{loss}[0]{path}, 'logit_bias', '--explain: the loss');
	is($j->{losses}, scalar @{ $j->{loss} }, '--explain: their number');
	is($j->{path}, '/v1beta/models/m:streamGenerateContent?alt=sse',
	    '--explain: the path');
	($r, $out, $err) = feed(encode_json($request{'openai-chat'}),
	    qw(convert --from openai-chat --to anthropic));
	is($err, '', 'without loss nothing is told');
	($r, $out, $err) = feed('{"type":"error","error":{"type":' .
	    '"overloaded_error","message":"busy"}}', qw(convert --response
	    --from anthropic --to openai-chat));
	is($r, 0, 'an answer that is an error');
	is(decode_json($out)->{error}{message}, 'busy', 'is translated');
	like($err, qr/is an error: busy/, 'and said');

	my @bad = (
	    [ '{"x":', qr/not JSON/, qw(openai-chat gemini) ],
	    [ '{"model":"m","messages":3}', qr/messages/,
	      qw(openai-chat gemini) ],
	    [ encode_json($request{gemini}), qr/no model/,
	      qw(gemini anthropic) ],
	    [ '', qr/not JSON/, qw(anthropic gemini) ],
	    [ '{}', qr/unknown dialect 'gemin', did you mean 'gemini'/,
	      qw(gemin anthropic) ],
	    [ '{}', qr/unknown dialect 'cobol' \(known: openai-chat, /,
	      qw(gemini cobol) ],
	);
	for (@bad) {
		my ($in, $re, $from, $to) = @$_;
		($r, $out, $err) = feed($in, 'convert', '--from', $from,
		    '--to', $to);
		is($r, 1, "'$in' of $from: exit status 1");
		like($err, $re, 'and why');
		is($out, '', 'nothing on standard output');
	}
};

my $daemons = -x "$bin/proxyd";
my %live;
END {
	if (defined $main && $$ == $main && $daemons) {
		my $was = $?;
		system "$bin/proxyctl --home $_ stop --now >/dev/null 2>&1"
		    for sort keys %live;
		$? = $was;
	}
}

# Ended, whether or not somebody has taken note of it.
sub gone { slurp("/proc/$_[0]/stat") !~ /\) [^Z]/ }

sub url_of { $_[0] =~ m{^$_[1]\b.*(http://\S+)}m ? $1 : undef }

SKIP: {
	skip 'proxyd is not built', 1 unless $daemons;

subtest 'the life of proxyd' => sub {
	$live{"$dir/one"} = 1;
	my @home = ('--home', "$dir/one");
	spew('app.yml', "PORT: 0\nADMIN_PORT: 0\nWORKERS: 1\n");
	my ($out) = says(0, qr/^proxyd started \(pid \d+\), http:/m, 'start',
	    @home, 'start');
	like($out, qr/^configuration: \Q$dir\E\/app\.yml$/m,
	    'which file is said');
	my ($pid) = $out =~ /pid (\d+)/;
	my $url = url_of($out, 'proxyd');
	is(HTTP::Tiny->new->get("$url/healthz")->{status}, 200, 'it serves');
	is((stat "$dir/one")[2] & 07777, 0700, 'mode of the home');
	is((stat "$dir/one/$_")[2] & 07777, 0600, "mode of $_")
	    for qw(proxyd.log proxyd.pid proxyd.sock proxyd.db);
	says(0, qr/^proxyd runs already \(pid $pid\), \Q$url\E$/m, 'again',
	    @home, 'start');
	says(0, qr/restart takes other options/, 'again, otherwise', @home,
	    'start', '--port', '0');
	says(0, qr/^proxyd   running, pid $pid,.*^worker 0 .*^requests /ms,
	    'status', @home, 'status');
	my ($r, $json) = ctl(@home, 'status', '--json');
	my $j = decode_json($json);
	is($r, 0, 'status --json');
	ok($j->{proxyd}{running}, 'running');
	is($j->{proxyd}{pid}, $pid, 'pid');
	is("http://$j->{proxyd}{host}:$j->{proxyd}{port}", $url, 'address');
	is(scalar @{ $j->{proxyd}{workers} }, 1, 'workers');
	is($j->{proxyd}{counters}{requests}, 1, 'counters');
	ok(!$j->{admind}{running}, 'admind does not');
	says(0, qr/reloaded.*nothing has changed/, 'reload', @home, 'reload');
	spew('app.yml', "PORT: 0\nADMIN_PORT: 0\nWORKERS: 1\nXX: 1\n");
	says(1, qr/app\.yml:4: unknown key 'XX'/, 'reload of a broken file',
	    @home, 'reload');
	says(0, qr/^warning: .*refused.*app\.yml:4/m, 'status warns of it',
	    @home, 'status');
	spew('app.yml', "PORT: 0\nADMIN_PORT: 0\nWORKERS: 2\n");
	says(0, qr/reloaded/, 'reload of a good one', @home, 'reload');
	says(0, qr/proxyd\.db: ok.* 0 keys.* \d+ requests/s, 'check',
	    @home, 'check');
	($out) = says(0, qr/proxyd stopped\n.*proxyd started/s, 'restart',
	    @home, 'restart');
	my ($new) = $out =~ /started \(pid (\d+)/;
	isnt($new, $pid, 'another process');
	ok(gone($pid), 'the old one is gone');
	($out) = says(0, qr/^proxyd stopped$/m, 'stop', @home, 'stop');
	ok(gone($new), 'gone');
	ok(!-e "$dir/one/proxyd.pid", 'the pid file too');
	says(3, qr/nothing runs/, 'stop again', @home, 'stop');
};

subtest 'options live on in a restart' => sub {
	$live{"$dir/keep"} = 1;
	my @home = ('--home', "$dir/keep");
	my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1);
	my $port = $s->sockport;
	spew('other.yml', "WORKERS: 1\nPORT: 1\n");
	my ($r, $out, $err) = ctl(@home, 'start', '--port', $port, '--config',
	    'other.yml', '--no-reload');
	is($r, 1, 'the port is taken');
	like($err, qr/^proxyctl: proxyd did not start: cannot listen on /,
	    'which is said');
	like($err, qr/port $port: Address already in use;.*--port/,
	    'with what to do');
	close $s;
	says(0, qr/:$port$/m, 'it is free', @home, 'start', '--port', $port,
	    '--config', 'other.yml', '--no-reload');
	says(0, qr/^configuration: .*other\.yml.*:$port$/ms, 'restart', @home,
	    'restart');
	says(0, qr/other\.yml, not watched/, '--no-reload too', @home,
	    'status');
	says(0, qr/:(?!$port$)\d+$/m, 'restart elsewhere', @home,
	    'restart', '--port', '0');
	says(1, qr/cannot read 'gone\.yml'/, 'restart with a mistake', @home,
	    'restart', '--config', 'gone.yml');
	says(0, qr/running/, 'has stopped nothing', @home, 'status');
	says(0, qr/stopped/, 'stop', @home, 'stop');
};

subtest 'a configuration with an error' => sub {
	my @home = ('--home', "$dir/none");
	spew('bad.yml', "PORT: eighty\n");
	says(1, qr/proxyd did not start: .*bad\.yml:1: PORT: expected/,
	    'start', @home, 'start', '--config', 'bad.yml');
	says(3, qr/not running/, 'nothing was left', @home, 'status');
	says(1, qr/cannot make the directory/, 'no home', '--home',
	    "$dir/no/such", 'start', '--port', '0');
	spew('file', '');
	says(1, qr/cannot/, 'a home that is a file', '--home', "$dir/file",
	    'start', '--port', '0');
};

# A request that runs: asks mock-slow in a child, which exits 0 once answered.
sub slow_request {
	my ($url) = @_;
	my $pid = fork // die;
	return $pid if $pid;
	my $r = HTTP::Tiny->new(timeout => 20)->post("$url/v1/messages",
	    { content => encode_json({ model => 'mock-slow', max_tokens => 9,
	    messages => [ { role => 'user', content => 'x' } ] }) });
	POSIX::_exit($r->{status} == 200 ? 0 : 1);
}

sub in_flight {
	my (@home) = @_;
	my $end = time + 10;
	while (time < $end) {
		my (undef, $out) = ctl(@home, 'status', '--json');
		return 1 if grep { $_->{in_flight} }
		    @{ decode_json($out)->{proxyd}{workers} };
		sleep 0.02;
	}
	return 0;
}

subtest 'stop waits, stop --now does not' => sub {
	$live{"$dir/slow"} = 1;
	my @home = ('--home', "$dir/slow");
	my ($out) = says(0, qr/started/, 'start', @home, 'start', '--port', 0);
	my $pid = slow_request(url_of($out, 'proxyd'));
	ok(in_flight(@home), 'in flight');
	says(0, qr/proxyd stopped/, 'stop', @home, 'stop');
	waitpid $pid, 0;
	is($? >> 8, 0, 'the request was answered');
	($out) = says(0, qr/started/, 'start', @home, 'start', '--port', 0);
	$pid = slow_request(url_of($out, 'proxyd'));
	ok(in_flight(@home), 'in flight');
	my $from = time;
	says(0, qr/proxyd stopped/, 'stop --now', @home, 'stop', '--now');
	cmp_ok(time - $from, '<', 1.8, 'has not waited');
	waitpid $pid, 0;
	is($? >> 8, 1, 'the request was cut off');
};

# Files as a machine that lost its power leaves them: the number is ours.
subtest 'a stale pid file' => sub {
	$live{"$dir/stale"} = 1;
	my @home = ('--home', "$dir/stale");
	mkdir "$dir/stale", 0700;
	spew("$dir/stale/$_.pid", "$$\n") for qw(proxyd admind);
	says(3, qr/nothing runs/, 'stop', @home, 'stop');
	says(3, qr/not running/, 'status', @home, 'status');
	says(0, qr/started/, 'start', @home, 'start', '--port', 0);
	says(0, qr/stopped/, 'stop', @home, 'stop');
};

subtest 'both' => sub {
	plan skip_all => 'admind is not built' unless -x "$bin/admind";
	$live{"$dir/both"} = 1;
	my @home = ('--home', "$dir/both");
	my ($out) = says(0, qr/^proxyd started.*^admind started/ms,
	    'start --all', @home, 'start', '--all');
	my ($api) = $out =~ m{^API server:\s+(http\S+)}m;
	my ($web) = $out =~ m{^management server:\s+(http\S+)}m;
	ok($api && $web, 'both addresses are told');
	my @curl = $out =~ /^(curl .*)$/mg;
	is(scalar @curl, 3, 'three requests to paste');
	SKIP: {
		skip 'curl is not installed', 3
		    unless `curl --version 2>/dev/null`;
		for (@curl) {
			my $said = `$_ -sS`;
			like($said, qr/"Hello!"/, $_);
		}
	}
	says(0, qr/^admind   running, pid \d+, \Q$web\E$/m, 'status', @home,
	    'status');
	says(0, qr/^admind stopped\nadmind started/m, 'restart --web', @home,
	    'restart', '--web');
	says(0, qr/^proxyd stopped\n(?!admind)/m, 'stop --api', @home, 'stop',
	    '--api');
	says(3, qr/^proxyd   not running.*^admind   running/ms, 'status', @home,
	    'status');
	says(0, qr/^proxyd started.*^admind runs already/ms, 'start --all',
	    @home, 'start', '--all');
	says(0, qr/^admind stopped\nproxyd stopped$/m, 'stop', @home, 'stop');
	for my $log (qw(proxyd.log admind.log)) {
		my @bad = grep { /: (?:alert|fatal): |Sanitizer|: runtime error: / }
		    split /\n/, slurp("$dir/both/$log");
		is("@bad", '', "nothing bad in $log");
	}
};

subtest 'in the foreground' => sub {
	plan skip_all => 'admind is not built' unless -x "$bin/admind";
	$live{"$dir/fore"} = 1;
	my @home = ('--home', "$dir/fore");
	for my $how ([ '--all' ], []) {
		my $pid = start_it('', @home, 'start', '--foreground', @$how);
		my ($end, $up) = (time + 20, 0);
		# ctl would write over what it prints
		while (!$up && time < $end) {
			$up = @$how ? slurp("$dir/out") =~ /^curl -N/m :
			    slurp("$dir/err") =~ /serving on/;
			sleep 0.02 unless $up;
		}
		ok($up, "start --foreground @$how: serves") or
		    diag slurp("$dir/err");
		unlike(slurp("$dir/err"), qr/: (?:alert|fatal): /, 'nothing bad');
		kill 'TERM', $pid;
		waitpid $pid, 0;
		is($?, 0, 'TERM ends it, exit status 0');
		says(3, qr/not running.*not running/s, 'both are gone', @home,
		    'status');
	}
	my $pid = start_it('', @home, 'start', '--foreground', '--all');
	my $end = time + 20;
	sleep 0.02 while slurp("$dir/out") !~ /^curl -N/m && time < $end;
	my ($web) = slurp("$dir/fore/admind.pid") =~ /^(\d+)/;
	kill 'KILL', $web;
	waitpid $pid, 0;
	is($? >> 8, 1, 'when one dies, so does the other, exit status 1');
	says(3, qr/not running.*not running/s, 'both are gone', @home,
	    'status');
};

}

done_testing;
