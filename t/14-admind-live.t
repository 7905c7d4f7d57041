#!/usr/bin/perl

# What admind shows against what proxyd says: the same statistics, while it runs
# and afterwards; one that says hostile things, or nothing.  And /docs of both servers.

use strict;
use warnings;
use Admind;
use Client;
use File::Temp qw(tempdir);
use Gateway;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(sleep time);
use Upstream;

sub admind { Admind->new(@_, may_fail => 1) }
sub finish { my $ad = shift; $ad->finish(@_) }
sub get { my $ad = shift; return $ad->get(@_) }

sub home { tempdir('admind-XXXXXX', TMPDIR => 1, CLEANUP => 1) }

my %type = (
	'/status' => qr{^text/html; charset=utf-8$},
	'/style.css' => qr{^text/css},
	'/healthz' => qr{^application/json$},
	'/api/status' => qr{^application/json$},
);

sub headers_ok {
	my ($r, $name) = @_;
	my $h = $r->{headers};
	my @csp = split /; */, $h->{'content-security-policy'} // '';
	my %csp = map { $_ => 1 } @csp;

	ok($csp{"default-src 'none'"} && $csp{"style-src 'self'"} &&
	    $csp{"frame-ancestors 'none'"} && !grep({ /unsafe/ } @csp),
	    "$name: policy");
	is($h->{'x-content-type-options'}, 'nosniff', "$name: nosniff");
	is($h->{'referrer-policy'}, 'no-referrer', "$name: no referrer");
}

# Every page answers, HEAD as GET without the body.
sub pages {
	my ($ad) = @_;

	for my $path (sort keys %type) {
		my $r = get($ad, $path);
		is($r->{status}, 200, "$path: 200");
		ok($r->{complete}, "$path: complete");
		like($r->{headers}{'content-type'}, $type{$path},
		    "$path: type");
		headers_ok($r, $path);
		like($r->{headers}{'cache-control'},
		    $path eq '/style.css' ? qr/^no-cache$/ : qr/^no-store$/,
		    "$path: is not kept");
		my $c = Client->new($ad->{port});
		my $h = $c->request(HEAD => $path)->response(head => 1);
		is($h->{status}, 200, "HEAD $path: 200");
		ok($h->{headers}{'content-length'} > 0, "HEAD $path: length");
		is($c->{in}, '', "HEAD $path: no body");
		is($c->request(GET => '/healthz')->response->{status}, 200,
		    "HEAD $path: the connection lives on");
	}
	my $page = get($ad, '/status')->{body};
	like($page, qr/<!DOCTYPE html>.*<\/html>\s*$/s, 'a whole page');
	unlike($page, qr/<script|\son\w+=|style=|javascript:/i, 'no script');
	unlike($page, qr{(?:src|href)="(?:https?:)?//(?!127\.)},
	    'nothing from elsewhere');
	return $page;
}

my $config = <<"YML";
API_KEY_POOLS:
  anthropic:
    keys: ["sk-ant-test-key-0000001", "sk-ant-test-key-0000002"]
  evil:
    keys: ["<b>&'\\"x</b><script>alert(1)</script>"]
PROVIDERS:
  evil:
    dialect: openai-chat
    base_url: http://127.0.0.1:9
YML

# The same question to both.
sub stats_of {
	my ($port) = @_;
	my $r = Client->once($port, GET => '/v1/api-keys/stats');
	is($r->{status}, 200, 'statistics');
	return (Client::json($r), $r->{body});
}

subtest 'proxyd runs' => sub {
	my $g = Gateway->new(config => $config);
	my $ad = admind($g->{home});
	ok($ad->{port}, 'starts') or return diag $ad->{error};
	Client->once($g->port, POST => '/v1/chat/completions', {},
	    { model => 'mock-echo', messages => [ { role => 'user',
	    content => 'x' } ] });
	$g->settled;
	my $page = pages($ad);
	like($page, qr/running/, 'the page says so');
	like($page, qr{http://127\.0\.0\.1:@{[ $g->port ]}}, 'address');
	like($page, qr/up \d+ s/, 'uptime');
	like($page, qr/worker 0.*worker 1.*logger/s, 'processes');
	like($page, qr/requests begun/, 'counters');
	unlike($page, qr/sk-ant-test-key/, 'no key');
	like($page, qr/sk-\*{4}001/, '... but its mask');
	is_deeply(Client::json(get($ad, '/healthz')), { status => 'ok',
	    proxyd => 'running' }, 'healthz');

	my $j = Client::json(get($ad, '/api/status'));
	my $p = $j->{proxyd};
	ok($p->{running}, 'status: running');
	is($p->{pid}, $g->{pid}, 'pid');
	is($p->{port}, $g->port, 'port');
	is($p->{state}, 'running', 'state');
	like($p->{uptime_s}, qr/^\d+$/, 'uptime');
	is(scalar @{ $p->{workers} }, 2, 'workers');
	is((grep { $_->{state} eq 'running' } @{ $p->{workers} }), 2,
	    '... which run');
	is($p->{logger}{state}, 'running', 'logger');
	is_deeply([sort keys %{ $p->{counters} }],
	    [sort keys %{ $p->{counter_texts} }], 'each counter has a text');
	is($p->{counters}{requests}, 1, 'a counter');
	ok(!grep({ $_ eq '' } values %{ $p->{counter_texts} }), '... in words');
	is($j->{database}{keys}, 3, 'keys');
	is($j->{database}{requests}, 1, 'rows of the log');

	my ($mine, $text) = stats_of($ad->{port});
	my ($theirs) = stats_of($g->port);
	is_deeply($mine, $theirs, "as proxyd's own");
	unlike($text, qr/sk-ant-test-key|alert\(1\)/, 'no key in it');
	$g->finish;
	ok(Client::json(get($ad, '/healthz'))->{proxyd} eq 'down',
	    'proxyd has gone');
	like(get($ad, '/status')->{body}, qr/not running/, '... and it is seen');
	($mine) = stats_of($ad->{port});
	is_deeply($mine, $theirs, 'statistics stay, from the database');
	finish($ad);
};

subtest 'statistics are live' => sub {
	my $up = Upstream->new(sub { return [ reply => 500,
	    { 'Content-Type' => 'application/json' }, '{"type":"error",' .
	    '"error":{"type":"api_error","message":"no"}}' ] });
	my $g = Gateway->new(config => <<"YML");
API_KEY_POOLS:
  anthropic:
    keys: ["sk-ant-test-key-0000001"]
PROVIDERS:
  anthropic:
    base_url: @{[ $up->base ]}
YML
	my $ad = admind($g->{home});
	for (1 .. 3) {
		Client->once($g->port, POST => '/v1/messages', {}, {
		    model => 'claude-x', max_tokens => 9, messages => [ {
		    role => 'user', content => 'x' } ] });
	}
	my ($theirs) = stats_of($g->port);
	my ($mine) = stats_of($ad->{port});
	my ($k) = values %{ $mine->{anthropic} };
	is_deeply($mine, $theirs, "as proxyd's own");
	ok($k->{total_requests} >= 3, 'attempts are counted');
	is($k->{total_requests}, $k->{successful_requests} +
	    $k->{failed_requests}, 'sums agree');
	is($k->{status_codes}{500}, $k->{failed_requests}, 'by status');
	like($k->{last_used},
	    qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'RFC 3339');
	$g->finish;
	# The row's time of the last use is that of its end.
	($mine) = stats_of($ad->{port});
	for my $st ($mine, $theirs) {
		delete $_->{last_used} for values %{ $st->{anthropic} };
	}
	is_deeply($mine, $theirs, 'and the database has the same');
	finish($ad);
};

# One that says it is proxyd, and says hostile things.
subtest 'hostile strings' => sub {
	my $home = home();
	my $s = IO::Socket::UNIX->new(Local => "$home/proxyd.sock",
	    Listen => 5) or die "socket: $!";
	my $xss = q{<script>alert('1')</script>&"};
	my $pid = fork // die;
	if (!$pid) {
		for (1 .. 2) {
			my $c = $s->accept or last;
			my $line = <$c>;
			print $c "ok\npid 1\nversion $xss\nstate $xss\n" .
			    "host $xss\nport 8000\nconfig $xss\xff\xfe\n" .
			    "started 0\ngeneration 1\nworker 0 1 $xss 0 0 0\n" .
			    "logger 1 $xss\nstat $xss 5\nalert $xss\xff\n" .
			    "strange $xss\n";
			close $c;
		}
		POSIX::_exit(0);
	}
	my $ad = admind($home);
	my $r = get($ad, '/status');
	is($r->{status}, 200, 'a page');
	unlike($r->{body}, qr/<script/i, 'no markup of theirs');
	like($r->{body}, qr/&lt;script&gt;alert\(&#39;1&#39;\)/,
	    'all of it escaped');
	$r = get($ad, '/api/status');
	my $j = Client::json($r);
	is($j->{proxyd}{version}, $xss, 'as it is in JSON');
	is(eval { JSON::PP->new->utf8->decode($r->{body}); 1 }, 1,
	    'which is valid');
	waitpid $pid, 0;

	# And one that says nothing.
	my $begin = time;
	$j = Client::json(get($ad, '/api/status'));
	is($j->{proxyd}{state}, 'silent', 'no answer');
	ok(time - $begin < 5, '... is not waited for long');
	like(get($ad, '/status')->{body}, qr/does not answer/, 'the page says so');
	is(get($ad, '/healthz')->{status}, 200, 'healthz');
	close $s;
	unlink "$home/proxyd.sock";
	finish($ad);
};

subtest 'the pages of /docs' => sub {
	my $g = Gateway->new;
	my $ad = Admind->new($g->{home});
	for my $port ($g->port, $ad->port) {
		my $get = sub { Client->once($port, GET => shift, { @_ }) };
		my $r = $get->('/docs');
		is($r->{status}, 200, '/docs');
		like($r->{body}, qr/^<!DOCTYPE html>.*<\/html>\s*$/s,
		    'a whole page');
		unlike($r->{body}, qr/<script>|<style|\s(?:on\w+|style)=/i,
		    'no script or style in it');
		unlike($r->{body}, qr{(?:src|href)="(?:https?:)?//},
		    'nothing from elsewhere');
		like($r->{headers}{'content-security-policy'},
		    qr/default-src 'none'; script-src 'self'; style-src 'self'/,
		    'and none would be taken');
		for my $path (map { "/$_" } $r->{body} =~
		    /(?:src|href)="([^":]+)"/g) {
			my $f = $get->($path, 'Accept-Encoding' => 'gzip');
			is($f->{status}, 200, $path);
			is($f->{headers}{'content-encoding'}, 'gzip',
			    '... compressed');
			my $tag = $f->{headers}{etag};
			is($get->($path, 'If-None-Match' => $tag)->{status},
			    304, '... and once');
		}
		is($get->('/docs/swagger-ui-bundle.js', @$_)->{status}, 406,
		    "the large one is there compressed only: @$_") for [],
		    ['Accept-Encoding' => 'br'],
		    ['Accept-Encoding' => 'br, gzip;q=0'];
		is($get->('/docs/docs.js', 'Accept-Encoding' =>
		    'br;q=1.0, GZIP ; q=0.5')->{headers}{'content-encoding'},
		    'gzip', 'a list of encodings');
		is($get->('/docs/../app.yml')->{status}, 404, 'nothing else');
		is(Client->once($port, POST => '/docs', {}, '{}')->{status},
		    405, 'to be read');
	}
	$ad->finish;
	$g->finish;
};

done_testing;
