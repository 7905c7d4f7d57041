#!/usr/bin/perl

# /metrics: well-formed, counts what was done, survives a restart of proxyd and
# its absence, and holds neither keys nor what a client may have put in a name.

use strict;
use warnings;
use Admind;
use Client;
use Gateway;
use Test::More;

my $config = <<'EOT';
API_KEY_POOLS:
  openai: [sk-metrics-secret-0001]
EOT

# { 'name{labels}' => value }; every line must be known to the format.
sub metrics {
	my ($ad) = @_;
	my $r = $ad->get('/metrics');
	my (%v, %type, @bad);

	is($r->{status}, 200, '/metrics answers');
	like($r->{headers}{'content-type'}, qr{^text/plain; version=0\.0\.4},
	    'in its format');
	for (split /\n/, $r->{body}) {
		if (/^# TYPE (\w+) (counter|gauge|histogram|summary)$/) {
			push @bad, "$_ (twice)" if $type{$1};
			$type{$1} = $2;
		} elsif (/^# HELP \w+ \S/) {
			next;
		} elsif (/^(\w+)(\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})? (\S+)$/) {
			my ($name, $labels, $value) = ($1, $2 // '', $3);
			my $base = $name =~ s/_(?:bucket|sum|count)$//r;
			push @bad, $_ unless $type{$name} || $type{$base};
			push @bad, "$_ (twice)" if exists $v{"$name$labels"};
			push @bad, $_ unless $value =~ /^-?[\d.]+(?:e[+-]\d+)?$/;
			$v{"$name$labels"} = $value;
		} else {
			push @bad, $_;
		}
	}
	is("@bad", '', 'every line is well-formed');
	unlike($r->{body}, qr/metrics-secret/, 'no key');
	return \%v;
}

my $n = 0;
sub ask {
	my ($g, $model) = @_;
	$n++;
	return Client->new($g->port)->request(POST => '/v1/chat/completions',
	    {}, { model => $model, messages => [{ role => 'user',
	    content => 'two words' }] })->response;
}

my $g = Gateway->new(config => $config);
my $ad = Admind->new($g->{home}, file => $g->{file});
ask($g, 'mock-echo') for 1 .. 5;
ask($g, 'mock-500') for 1 .. 2;
ask($g, qq{mock-echo"\n\\{evil}});
$g->wait_for(sub { my ($r) = $g->sql('SELECT count(*) AS n FROM requests');
    $r->{n} == $n });

my $t = '{gen_ai_provider_name="mock",gen_ai_request_model="mock-echo"';
my $v = metrics($ad);
is($v->{proxyd_up}, 1, 'proxyd is up');
is($v->{"proxyd_requests_total$t}"}, 5, 'requests of a model');
is($v->{"gen_ai_client_operation_duration_seconds_count$t}"}, 5,
    'as many durations');
is($v->{"gen_ai_client_operation_duration_seconds_bucket$t,le=\"+Inf\"}"}, 5,
    'all in the last bucket');
is($v->{"gen_ai_client_token_usage_sum$t,gen_ai_token_type=\"output\"}"} > 0,
    1, 'tokens');
is($v->{'proxyd_request_errors_total' . $t =~ s/echo/500/r . '}'}, 2,
    'errors');
my @buckets = sort { $a->[0] <=> $b->[0] } map {
	/^gen_ai_client_operation_duration_seconds_bucket\Q$t\E,le="([\d.e+-]+)"/
	? [$1, $v->{$_}] : () } keys %$v;
ok(@buckets >= 10 && !grep({ $buckets[$_][1] < $buckets[$_ - 1][1] }
    1 .. $#buckets), 'buckets are cumulative');
is($v->{'proxyd_worker_requests_total'}, $n, 'what the workers counted');
ok($v->{'proxyd_resident_memory_bytes{process="master"}'} > 100000,
    'memory of each process');
ok(grep(/^proxyd_key_requests_total\{gen_ai_provider_name="openai",key_id="\d+",result="ok"\}$/,
    keys %$v), 'keys by their id');
ok(grep({ /evil/ && /\\"\\n\\\\/ } keys %$v), 'hostile names are escaped');

$g->finish;
$v = metrics($ad);
is($v->{proxyd_up}, 0, 'proxyd is down');
is($v->{"proxyd_requests_total$t}"}, 5, 'what was counted is still there');
$g->start;
ask($g, 'mock-echo');
$g->wait_for(sub { my ($r) = $g->sql('SELECT count(*) AS n FROM requests');
    $r->{n} == $n });
$v = metrics($ad);
is($v->{"proxyd_requests_total$t}"}, 6, 'and goes on after a restart');
$ad->finish;
$g->finish;
done_testing;
