#!/usr/bin/perl

# Embeddings between OpenAI and Gemini, both ways and each to itself: numbers
# and base64, one text and many, dimensions, usage, and what cannot go.

use strict;
use warnings;
use Client;
use Gateway;
use JSON::PP;
use MIME::Base64;
use Scripts;
use Test::More;
use Upstream;

my %json = ('Content-Type' => 'application/json');

# Exact in binary, so that nothing is lost on any way: text i has [i, 0.5, -2.25].
sub vector { [ 0 + $_[0], 0.5, -2.25 ] }
sub packed { encode_base64(pack('f<*', @{ vector($_[0]) }), '') }

sub openai_answer {
	my ($b) = @_;
	my $in = $b->{input};
	my $n = ref $in && (ref $in->[0] || $in->[0] !~ /^\d+$/) ? @$in : 1;
	my @data = map { { object => 'embedding', index => $_, embedding =>
	    ($b->{encoding_format} // '') eq 'base64' ||
	    $b->{model} =~ /stubborn/ ? packed($_) : vector($_) } }
	    0 .. $n - 1;

	return json_text({ object => 'list', data => [ reverse @data ],
	    model => "$b->{model}-001", usage => { prompt_tokens => 7 * $n,
	    total_tokens => 7 * $n } });
}

sub gemini_answer {
	my ($path, $b) = @_;

	return json_text({ embedding => { values => vector(0) } })
	    if $path =~ /:embedContent$/;
	return json_text({ embeddings => [ map { { values => vector($_) } }
	    0 .. $#{ $b->{requests} } ], $path =~ /silent/ ? () :
	    (usageMetadata => { promptTokenCount =>
	    7 * @{ $b->{requests} } }) });
}

my $up = Upstream->new(sub {
	my ($req) = @_;
	my ($path, $h) = @$req{qw(path headers)};
	my $b = Upstream::json_of($req);
	my $model = $b->{model} // ($path =~ m{models/([^:]+)})[0];
	my $google = $path =~ /mbedContent/;
	my ($key) = grep { defined } @$h{qw(authorization x-goog-api-key)};

	return [reply => $1, \%json, json_text({ error => $google ? { code =>
	    0 + $1, message => "no $1", status => 'X' } : { message =>
	    "no $1", type => 'x', param => undef, code => undef } })]
	    if $path =~ /-all-(\d+)/ || $model =~ /-all-(\d+)/ ||
	    ($key =~ /1$/ && "$path $model" =~ /-first-(\d+)/);
	return [reply => 200, \%json, '{"data": [], "embeddings": []}']
	    if "$path $model" =~ /-none/;
	return [reply => 200, \%json, $google ? gemini_answer($path, $b) :
	    openai_answer($b)];
});
my $base = $up->base;
my @models = qw(plain stubborn silent all-400 all-404 all-500 first-429 none);
my $g = Gateway->new(config => <<"EOT");
PREFERRED_PROVIDER: an
PROVIDERS:
  an: { dialect: anthropic, base_url: "$base", keys: ["sk-an-key-1"] }
  ge: { dialect: gemini, base_url: "$base", keys: ["sk-ge-key-1", "sk-ge-key-2"] }
  oc: { dialect: openai-chat, base_url: "$base/v1", keys: ["sk-oc-key-1", "sk-oc-key-2"] }
  re: { dialect: openai-responses, base_url: "$base", keys: ["sk-re-key-1"] }
  openai: { base_url: "$base", keys: ["sk-openai-key-1"] }
  gemini: { base_url: "$base", keys: ["sk-gemini-key-1"] }
MODELS:
@{[ join '', map { my $p = $_; map { "  - { route_key: $p-$_, " .
    "target_model: x-$_, provider: $p }\n" } @models } qw(an ge oc re) ]}
EOT
my $rows = 0;

sub ask {
	my ($path, $body) = @_;

	$rows++;
	return Client->once($g->port, POST => $path, {}, ref $body ?
	    json_text($body) : $body);
}

sub openai { my ($model, %o) = @_; ask('/v1/embeddings', { model => $model,
    input => 'one', %o }) }

sub last_body { Upstream::json_of((grep { $_->{event} eq 'request' }
    $up->requests)[-1]) }
sub last_path { (grep { $_->{event} eq 'request' } $up->requests)[-1]{path} }

# --- an OpenAI client ---------------------------------------------------------

for my $to (qw(oc re ge)) {
	my $r = openai("$to-plain");
	my $j = Client::json($r);
	is($r->{status}, 200, "OpenAI to $to: a text") or diag $r->{body};
	is($j->{object}, 'list', '... a list');
	is_deeply($j->{data}, [ { object => 'embedding', index => 0,
	    embedding => vector(0) } ], '... of one vector of numbers');
	is_deeply($j->{usage}, { prompt_tokens => 7, total_tokens => 7 },
	    '... and usage');
	like($j->{model}, qr/^x-plain/, '... the model is named');
	$r = openai("$to-plain", input => [qw(one two three)],
	    encoding_format => 'base64', dimensions => 3);
	$j = Client::json($r);
	is_deeply([ map { $_->{embedding} }
	    sort { $a->{index} <=> $b->{index} } @{ $j->{data} } ],
	    [ map { packed($_) } 0 .. 2 ], "OpenAI to $to: base64 of three");
	my $b = last_body();
	is($to eq 'ge' ? $b->{requests}[1]{outputDimensionality} :
	    $b->{dimensions}, 3, '... of three dimensions');
	is($to eq 'ge' ? $b->{requests}[1]{content}{parts}[0]{text} :
	    $b->{input}[1], 'two', '... the text as it was');
	is($to eq 'ge' ? $b->{requests}[2]{model} : $b->{model}, $to eq 'ge' ?
	    'models/x-plain' : 'x-plain', '... of the model');
	is(last_path(), $to eq 'ge' ?
	    '/v1beta/models/x-plain:batchEmbedContents' : '/v1/embeddings',
	    '... at its path');
	for my $in ([1, 2, 3], [[1, 2], [3]]) {
		$r = openai("$to-plain", input => $in);
		if ($to eq 'ge') {
			is($r->{status}, 400, 'tokens cannot go to Gemini');
			like($r->{body}, qr/'input.*takes texts, not tokens/,
			    '... and the error names them');
		} else {
			is($r->{status}, 200, "tokens to $to");
			is_deeply(last_body()->{input}, $in, '... as they are');
		}
	}
	is(openai("$to-first-429")->{status}, 200, "$to: another key")
	    for $to eq 're' ? () : (1 .. 3);
	for (400, 404, 500) {
		$r = openai("$to-all-$_");
		is($r->{status}, $_, "$to answers $_");
		is(Client::json($r)->{error}{message}, "no $_",
		    '... in its words, in OpenAI\'s envelope');
	}
	$r = openai("$to-none");
	is($r->{status}, 502, 'an answer without vectors');
	like($r->{body}, qr/cannot be read/, '... is an error');
}
my $r = openai('ge-silent', input => ['one two three', 'four']);
is($r->{headers}{'x-proxyd-token-count'}, 'estimate',
    'usage that Gemini did not say is estimated');
cmp_ok(Client::json($r)->{usage}{prompt_tokens}, '>=', 4, '... and there');
$r = openai('ge-plain', user => 'me');
like($r->{headers}{'x-proxyd-loss'}, qr/user/, 'an end user is in the report');
# Gemini takes a hundred at once.
for my $how (qw(float base64)) {
	my $n = grep { $_->{event} eq 'request' } $up->requests;
	$r = openai('ge-first-429', input => [ map { "t$_" } 0 .. 249 ],
	    encoding_format => $how);
	is($r->{status}, 200, "250 texts, $how") or diag $r->{body};
	my $j = Client::json($r);
	is_deeply([ map { $_->{embedding} } @{ $j->{data} } ], [ map {
	    $how eq 'float' ? vector($_) : packed($_) } (0 .. 99, 0 .. 99,
	    0 .. 49) ], '... in three parts');
	is_deeply([ map { $_->{index} } @{ $j->{data} } ], [ 0 .. 249 ],
	    '... in order');
	is($j->{usage}{prompt_tokens}, 7 * 250, '... and their sum');
	my @sent = grep { $_->{event} eq 'request' } $up->requests;
	splice @sent, 0, $n;
	my %t = map { $_->{content}{parts}[0]{text} => 1 } map {
	    @{ Upstream::json_of($_)->{requests} } } @sent;
	is(scalar keys %t, 250, '... each was sent');
}
for (['an-plain', 'Anthropic'], ['mock-echo', 'mock']) {
	$r = openai($_->[0]);
	is($r->{status}, 400, "$_->[1] has no embeddings");
	like($r->{body}, qr/$_->[1].*no embeddings/, '... and the error says so');
}
is(openai($_)->{status}, 200, "$_ finds its provider")
    for qw(text-embedding-3-small text-embedding-ada-002 text-embedding-004
    gemini-embedding-001);

# --- a Gemini client ----------------------------------------------------------

my %content = (parts => [ { text => 'one' }, { text => ' more' } ]);
for my $v (qw(v1beta v1)) {
	for my $to (qw(oc re ge)) {
		my $at = "/$v/models/$to-plain";
		$r = ask("$at:embedContent", { model =>
		    "models/$to-plain", content => \%content,
		    outputDimensionality => 3 });
		is($r->{status}, 200, "Gemini $v to $to: one") or
		    diag $r->{body};
		is_deeply(Client::json($r)->{embedding}{values}, vector(0),
		    '... a vector');
		my $b = last_body();
		if ($to eq 'ge') {
			is($b->{model}, 'models/x-plain', '... of its model');
			is_deeply($b->{content}, \%content,
			    '... the content as it was');
		} else {
			is_deeply([ @$b{qw(model dimensions
			    encoding_format)} ], [ 'x-plain', 3, 'float' ],
			    '... of its model');
			is_deeply($b->{input}, ['one more'], '... the text');
		}
		$r = ask("$at:batchEmbedContents", { requests => [ map { {
		    model => "models/$to-plain", content => { parts => [ {
		    text => "t$_" } ] }, taskType => 'RETRIEVAL_DOCUMENT',
		    title => 'T' } } 0 .. 2 ] });
		my $j = Client::json($r);
		is_deeply([ map { $_->{values} } @{ $j->{embeddings} } ],
		    [ map { vector($_) } 0 .. 2 ], "... a batch");
		is($j->{usageMetadata}{promptTokenCount}, 21, '... usage');
		$b = last_body();
		if ($to eq 'ge') {
			is_deeply([ map { "$_->{model} $_->{taskType}" }
			    @{ $b->{requests} } ], [ ('models/x-plain ' .
			    'RETRIEVAL_DOCUMENT') x 3 ], '... all of it');
		} else {
			is_deeply($b->{input}, [qw(t0 t1 t2)],
			    '... the texts');
			like($r->{headers}{'x-proxyd-loss'},
			    qr/taskType.*title/, '... the rest is reported');
		}
	}
}
$r = ask('/v1beta/models/oc-stubborn:embedContent', { content => \%content });
is_deeply(Client::json($r)->{embedding}{values}, vector(0),
    'base64 that was not asked for becomes numbers');
$r = ask('/v1beta/models/oc-all-404:embedContent', { content => \%content });
is($r->{status}, 404, 'an error of OpenAI\'s');
is_deeply(Client::json($r)->{error}{message}, 'no 404',
    '... in Gemini\'s envelope');
is(Client::json($r)->{error}{status}, 'NOT_FOUND', '... with its status');
$r = ask('/v1beta/models/an-plain:embedContent', { content => \%content });
is($r->{status}, 400, 'Anthropic has no embeddings');

# --- what is wrong ------------------------------------------------------------

my $image = { parts => [ { inlineData => { mimeType => 'image/png',
    data => 'AAAA' } } ] };
is(ask('/v1beta/models/ge-plain:embedContent', { content => $image })
    ->{status}, 200, 'an image goes from Gemini to Gemini');
for (['/v1beta/models/oc-plain:embedContent', { content => $image },
    qr/content\.parts\[0\].*texts only/],
    ['/v1beta/models/oc-plain:batchEmbedContents', { requests => [ {
    content => \%content, outputDimensionality => 3 }, { content =>
    \%content } ] }, qr/requests\[1\].*outputDimensionality/],
    ['/v1beta/models/oc-plain:batchEmbedContents', { requests => [] },
    qr/requests/],
    ['/v1beta/models/oc-plain:embedContent', {}, qr/content/],
    ['/v1/embeddings', { model => 'oc-plain' }, qr/input/],
    ['/v1/embeddings', { input => 'x' }, qr/model/],
    ['/v1/embeddings', { model => 'oc-plain', input => [] }, qr/input/],
    ['/v1/embeddings', { model => 'oc-plain', input => [ {} ] },
    qr/input\[0\]/],
    ['/v1/embeddings', { model => 'oc-plain', input => 'x', dimensions =>
    -1 }, qr/dimensions/],
    ['/v1/embeddings', { model => 'oc-plain', input => 'x',
    encoding_format => 'hex' }, qr/encoding_format/],
    ['/v1/embeddings', '[]', qr/object/]) {
	my ($path, $body, $word) = @$_;
	my $n = $up->requests;
	$r = ask($path, $body);
	is($r->{status}, 400, "400 for $path " . (ref $body ?
	    json_text($body) : $body));
	like($r->{body}, $word, '... naming it');
	is(scalar $up->requests, $n, '... and the provider is not asked');
}

ok($g->settled($rows), 'a row for each');
my ($row) = $g->sql('SELECT sum(input) AS n, count(*) AS rows FROM requests ' .
    'WHERE input > 0');
is($row->{n} % 7, 0, 'usage is logged');
cmp_ok($row->{n}, '>', 100, '... of all of them');
$g->finish;
done_testing;
