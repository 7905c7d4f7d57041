#!/usr/bin/perl

# The request log and the figures over REST: pages, filters, one request with
# its bodies, export, following, sums; and live events.

use strict;
use warnings;
use utf8;
use Admind;
use Client;
use Gateway;
use JSON::PP;
use Test::More;

my $g = Gateway->new(config => "LOG_BODIES: errors\n");
my $ad = Admind->new($g->{home}, file => $g->{file});
is($ad->set_up->{status}, 200, 'set up');
my $n = 0;

sub ask {
	my ($model, %more) = @_;
	$n++;
	return Client->new($g->port)->request(POST =>
	    '/v1/chat/completions', {}, { model => $model, messages => [{
	    role => 'user', content => '<b>hello</b>' }], %more })
	    ->response->{headers}{'x-proxyd-request-id'};
}

sub get {
	my ($path) = @_;
	my $r = $ad->call(GET => "/api/v1$path");
	is($r->{status}, 200, $path) or diag $r->{body};
	return $r->{json};
}

my @good = map { ask('mock-echo') } 1 .. 7;
my @bad = map { ask('mock-500') } 1 .. 3;
my $evil = ask("mock-\x{4e2d}<script>alert(1)</script>' OR 1=1 --");
$g->wait_for(sub { my ($r) = $g->sql('SELECT count(*) AS n FROM requests');
    $r->{n} == $n });
# A row may be there before its bodies: each side of each that has any.
for my $id (@bad, $evil) {
	$g->wait_for(sub { my $r = $ad->call(GET => "/api/v1/logs/$id");
	    grep({ $_->{side} =~ /^client_/ } @{ $r->{json}{bodies} }) == 2 });
}

subtest 'pages' => sub {
	my $j = get('/logs?limit=4');
	is(scalar @{ $j->{rows} }, 4, 'as many as asked for');
	my %seen = map { $_->{request_id} => 1 } @{ $j->{rows} };
	while ($j->{next}) {
		$j = get("/logs?limit=4&cursor=$j->{next}");
		$seen{ $_->{request_id} }++ for @{ $j->{rows} };
	}
	is_deeply([sort keys %seen], [sort @good, @bad, $evil],
	    'all of them in pages');
	ok(!grep({ $_ > 1 } values %seen), 'none twice');
	$j = get('/logs?model=mock-echo');
	is(scalar @{ $j->{rows} }, 7, 'a filter');
	my ($row) = @{ $j->{rows} };
	is($row->{$_->[0]}, $_->[1], "$_->[0]") for ['status', 200],
	    ['dialect', 'openai-chat'], ['provider', 'mock'],
	    ['path', '/v1/chat/completions'];
	like($row->{time}, qr/^20\d\d-\d\d-\d\dT/, 'time');
	is(ref $row->{tries}, 'ARRAY', 'attempts are a list');
	is(scalar @{ get('/logs?status=5xx')->{rows} }, 3, 'a class');
	is(scalar @{ get('/logs?status=error')->{rows} },
	    3 + grep({ $_->{status} >= 400 } @{ get("/logs?request_id=$evil")
	    ->{rows} }), 'errors');
	is(scalar @{ get('/logs?failed=false&min_ms=60000')->{rows} }, 0,
	    'none so slow');
	$j = get("/logs?request_id=$evil");
	is($j->{rows}[0]{model_asked},
	    "mock-\x{4e2d}<script>alert(1)</script>' OR 1=1 --",
	    'a hostile name is text');
	for (['limit', 0], ['limit', 'x'], ['cursor', '1'], ['status', '6xx'],
	    ['failed', 'maybe'], ['from', '-1'], ['error', '%ff']) {
		my $r = $ad->call(GET => "/api/v1/logs?$_->[0]=$_->[1]");
		is($r->{status}, 400, "$_->[0]=$_->[1]: 400");
		is($r->{json}{field}, $_->[0], 'names it');
	}
};

subtest 'one request' => sub {
	my $j = get("/logs/$bad[0]");
	is($j->{row}{status}, 500, 'its row');
	my %side = map { $_->{side} => $_ } @{ $j->{bodies} };
	like($side{client_request}{data}, qr/hello/, 'what was asked');
	like($side{client_response}{data}, qr/"error"/, 'what came back');
	ok(@{ $side{client_response}{pieces} }, 'and when');
	is(scalar @{ get("/logs/$good[0]")->{bodies} }, 0,
	    'none are kept of the others');
	is($ad->call(GET => '/api/v1/logs/req_none')->{status}, 404,
	    'one that is not there');
};

subtest 'export' => sub {
	my $r = $ad->call(GET => '/api/v1/logs/export?format=jsonl');
	my @rows = map { decode_json($_) } split /\n/, $r->{body};
	is(scalar @rows, $n, 'JSON lines');
	$r = $ad->call(GET => '/api/v1/logs/export?format=csv&status=5xx');
	like($r->{headers}{'content-type'}, qr{^text/csv}, 'CSV');
	like($r->{headers}{'content-disposition'}, qr/attachment/, 'a file');
	my @lines = split /\r\n/, $r->{body};
	is(scalar @lines, 4, 'a head and its rows');
	is($ad->call(GET => '/api/v1/logs/export?format=xml')->{status}, 400,
	    'no other format');
	is($ad->call(GET => '/api/v1/logs/export?limit=2')->{body} =~ tr/\n//,
	    2, 'the first two');
};

# More than a page, a buffer of the stream, or a guess of how many are enough.
subtest 'a long export' => sub {
	my ($have) = $g->sql('SELECT count(*) AS n FROM requests');
	my ($c) = $g->sql("SELECT group_concat(name) AS c FROM
	    pragma_table_info('requests') WHERE name NOT IN ('id',
	    'time_us', 'request_id')");
	system('sqlite3', '-cmd', '.timeout 10000', "$g->{home}/proxyd.db",
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
	    WHERE i < 30000) INSERT INTO requests (time_us, request_id,
	    $c->{c}) SELECT time_us - i * 1000000, 'req_copy' || i, $c->{c}
	    FROM n JOIN requests ON id = 1 AND i > 0") == 0 or die;
	my $all = $have->{n} + 30000;
	my $slow = Client->new($ad->port);
	$slow->request(GET => '/api/v1/logs/export', { Cookie =>
	    $ad->{session}{cookie} });
	ok($slow->until_match(qr/"request_id"/), 'one that does not read');
	for my $format (qw(jsonl csv)) {
		my $r = $ad->call(GET =>
		    "/api/v1/logs/export?format=$format");
		my %id = map { $_ => 1 } $r->{body} =~ /\b(req_\w+)/g;
		is(keys %id, $all, "$format: all rows");
		is($r->{body} =~ tr/\n//, $all + ($format eq 'csv'),
		    '... once');
	}
	$slow->{deadline} = time + 60;
	ok($slow->until_match(qr/\r\n0\r\n\r\n$/), 'he gets all of it, too');
	my $in = $slow->{in} =~ s/\r\n[0-9a-f]+\r\n//gir;
	is(() = $in =~ /"request_id"/g, $all, '... each row');
	system('sqlite3', '-cmd', '.timeout 10000', "$g->{home}/proxyd.db",
	    "DELETE FROM requests WHERE request_id LIKE 'req_copy%'") == 0
	    or die;
};

subtest 'sums' => sub {
	my $j = get('/stats');
	is($j->{all}{requests}, $n, 'all requests');
	ok($j->{all}{errors} >= 3, 'errors');
	ok($j->{all}{total_ms}{p95} >= $j->{all}{total_ms}{p50}, 'quantiles');
	$j = get('/stats?by=model');
	my %by = map { $_->{name} => $_ } @{ $j->{names} };
	is($by{'mock/mock-echo'}{requests}, 7, 'by model');
	$j = get('/stats?by=provider&points=false');
	is($j->{names}[0]{name}, 'mock', 'by provider');
	is_deeply($j->{points}, [], 'without points');
	$j = get('/stats?by=model&step=minute');
	ok(@{ $j->{points} } >= 2, 'points');
	is($ad->call(GET => "/api/v1/stats?$_")->{status}, 400, "$_: 400")
	    for 'by=x', 'step=year', 'from=9&to=3', 'from=x';
};

subtest 'live' => sub {
	my %h = (Cookie => $ad->{session}{cookie});
	my $c = Client->new($ad->port);
	$c->request(GET => '/api/v1/logs/follow?model=mock-echo', \%h);
	ok($c->until_match(qr/retry: \d+/), 'the stream opens at once');
	ok($c->until_match(qr/\r\n\r\n/), 'with its head');
	my $f = Client->new($ad->port);
	$f->request(GET => '/api/v1/live', \%h);
	ok($f->until_match(qr/event: figures\s+data: \{.*\}/),
	    'figures come');
	# It follows from its first tick on.
	ok($g->wait_for(sub { my $id = ask('mock-echo');
	    $c->{deadline} = undef; local $c->{timeout} = 1.5;
	    $c->until_match(qr/"request_id":"$id"/) }, 20),
	    'a row comes when its request has ended');
	ask('mock-500');
	ok($f->until_match(qr/(?:event: figures.*){3}/s), 'and go on');
	unlike($c->{in}, qr/mock-500/, 'the filter holds');
};

$ad->finish;
$g->finish;
done_testing;
