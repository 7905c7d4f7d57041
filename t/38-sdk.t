#!/usr/bin/perl

# The official SDKs of OpenAI (both APIs), Anthropic and Google, each against a
# provider of each dialect: their helpers for streams, tools and structured
# output work, their own classes of errors are raised, nothing is asked twice,
# and a provider is let go when they leave.

use strict;
use warnings;
use utf8;
use File::Basename qw(dirname);
use Gateway;
use JSON::PP;
use Npm qw(npm_missing npm_install);
use SdkScripts;
use Test::More;
use Upstream;

my @dialects = qw(openai-chat openai-responses anthropic gemini);
my $build = dirname($ENV{BUILDDIR} // 'build/opt');
my $text = "Bonjour \x{4f60}\x{597d}!";

if (my $why = npm_missing(20) // npm_install('t/sdk', "$build/sdk")) {
	plan skip_all => "the SDKs cannot be installed: $why";
}

# --- the runs -----------------------------------------------------------------

my %up = map { $_ => Upstream->new(script_for($_)) } @dialects;
my $g = Gateway->new(config => "RETRY_TRIES: 1\nPROVIDERS:\n" . join('', map { <<"EOT" }
  p-$_:
    dialect: $_
    base_url: ${\$up{$_}->base}
    keyless: true
EOT
    @dialects) . "MODELS:\n" . join('', map { <<"EOT" } @dialects));
  - route_key: at-$_
    target_model: ${\model_of($_)}
    provider: p-$_
EOT

delete @ENV{grep { /_proxy$|_API_KEY$|_BASE_URL$|^NODE_/i } keys %ENV};
my (%run, %got, %asked);
for my $sdk (@dialects) {
	open $run{$sdk}, '-|:raw', 'timeout', 60, 'node', "$build/sdk/run.mjs",
	    $sdk, $g->url(''), @dialects or die "node: $!";
}
for my $sdk (@dialects) {
	my $fh = $run{$sdk};
	while (<$fh>) {
		my $j = eval { decode_json($_) } or do { diag $_; next };
		$got{$sdk}{ $j->{provider} }{ $j->{name} } = $j;
	}
	close $fh;
	is($?, 0, "$sdk: the SDK's process ended well");
}
for my $d (@dialects) {
	for (grep { $_->{event} eq 'request' } $up{$d}->requests) {
		my ($case, $sdk) = case_of($_);
		push @{ $asked{$sdk}{$d}{$case} }, Upstream::json_of($_);
	}
}

# --- what a provider was asked, whatever its dialect --------------------------

# Each returns { system, image, schema, strict, think, tools, said, calls,
# results }: said by the model, calls as [id, name, args], results as
# [id, text].
my %read = (
	'openai-chat' => sub {
		my ($b) = @_;
		my @m = @{ $b->{messages} };
		my ($user) = grep { $_->{role} eq 'user' } @m;
		my ($image) = ref $user->{content} ? map {
		    $_->{image_url}{url} // () } @{ $user->{content} } : ();
		my ($system) = map { $_->{content} } grep {
		    $_->{role} =~ /system|developer/ } @m;
		return { system => $system,
		    image => $image, think => $b->{reasoning_effort},
		    schema => $b->{response_format}{json_schema}{schema},
		    strict => $b->{response_format}{json_schema}{strict},
		    tools => [ map { $_->{function}{name} }
		    @{ $b->{tools} // [] } ],
		    said => [ map { ref $_->{content} ? map({ $_->{text} }
		    @{ $_->{content} }) : $_->{content} // () } grep {
		    $_->{role} eq 'assistant' } @m ],
		    calls => [ map { [ $_->{id}, $_->{function}{name},
		    $_->{function}{arguments} ] } map {
		    @{ $_->{tool_calls} // [] } } @m ],
		    results => [ map { [ $_->{tool_call_id}, $_->{content} ] }
		    grep { $_->{role} eq 'tool' } @m ] };
	},
	'openai-responses' => sub {
		my ($b) = @_;
		my @item = @{ $b->{input} };
		my ($user) = grep { ($_->{role} // '') eq 'user' } @item;
		my ($image) = ref $user->{content} ? map {
		    $_->{image_url} // () } @{ $user->{content} } : ();
		return { system => $b->{instructions}, image => $image,
		    think => $b->{reasoning}{effort},
		    schema => $b->{text}{format}{schema},
		    strict => $b->{text}{format}{strict},
		    tools => [ map { $_->{name} } @{ $b->{tools} // [] } ],
		    said => [ map { $_->{text} } map { @{ $_->{content} } }
		    grep { ($_->{role} // '') eq 'assistant' } @item ],
		    calls => [ map { [ @$_{qw(call_id name arguments)} ] }
		    grep { ($_->{type} // '') eq 'function_call' } @item ],
		    results => [ map { [ @$_{qw(call_id output)} ] } grep {
		    ($_->{type} // '') eq 'function_call_output' } @item ] };
	},
	anthropic => sub {
		my ($b) = @_;
		my @block = map { ref $_->{content} ? @{ $_->{content} } : () }
		    @{ $b->{messages} };
		my $of = sub { my $t = shift; grep { $_->{type} eq $t }
		    @block };
		my ($image) = map { "data:$_->{source}{media_type};" .
		    "base64,$_->{source}{data}" } $of->('image');
		my $text = sub { ref $_[0] ? join('', map { $_->{text} }
		    @{ $_[0] }) : $_[0] };
		return { system => $text->($b->{system}), image => $image,
		    think => $b->{thinking}{type},
		    schema => $b->{output_config}{format}{schema},
		    tools => [ map { $_->{name} } @{ $b->{tools} // [] } ],
		    said => [ map { ref $_->{content} ? map({
		    $_->{text} // () } @{ $_->{content} }) : $_->{content} }
		    grep { $_->{role} eq 'assistant' } @{ $b->{messages} } ],
		    calls => [ map { [ $_->{id}, $_->{name},
		    $_->{input} ] } $of->('tool_use') ],
		    results => [ map { [ $_->{tool_use_id},
		    $text->($_->{content}) ] } $of->('tool_result') ] };
	},
	gemini => sub {
		my ($b) = @_;
		my @part = map { @{ $_->{parts} } } @{ $b->{contents} };
		my $conf = $b->{generationConfig} // {};
		my $of = sub { my $t = shift; map { $_->{$t} // () } @part };
		my ($image) = map { "data:$_->{mimeType};base64,$_->{data}" }
		    $of->('inlineData');
		my $think = $conf->{thinkingConfig} // {};
		return { system => join('', map { $_->{text} }
		    @{ $b->{systemInstruction}{parts} // [] }),
		    image => $image, think => $think->{thinkingLevel} //
		    $think->{thinkingBudget},
		    schema => $conf->{responseJsonSchema},
		    tools => [ map { $_->{name} } map {
		    @{ $_->{functionDeclarations} } } @{ $b->{tools} // [] } ],
		    said => [ map { $_->{text} // () } grep {
		    !$_->{thought} } map { @{ $_->{parts} } } grep {
		    $_->{role} eq 'model' } @{ $b->{contents} } ],
		    calls => [ map { [ $_->{id} // "by name $_->{name}",
		    $_->{name}, $_->{args} ] }
		    $of->('functionCall') ],
		    results => [ map { [ $_->{id} // "by name $_->{name}",
		    $_->{response}{output} ] } $of->('functionResponse') ],
		    signatures => [ map { $_->{thoughtSignature} } grep {
		    $_->{functionCall} } @part ] };
	},
);

# --- what is right ------------------------------------------------------------

my %end = ('openai-chat' => 'stop', 'openai-responses' => 'completed',
    anthropic => 'end_turn', gemini => 'STOP');
my %at_tools = (%end, 'openai-chat' => 'tool_calls',
    anthropic => 'tool_use');
my %class = (400 => 'BadRequestError', 401 => 'AuthenticationError',
    403 => 'PermissionDeniedError', 404 => 'NotFoundError',
    429 => 'RateLimitError', 500 => 'InternalServerError',
    503 => 'InternalServerError', 529 => 'InternalServerError');
my %class_anthropic = (%class, 503 => 'ServiceUnavailableError',
    529 => 'OverloadedError');
my @calls = ({ name => 'get_weather', args => {
    city => "Z\x{fc}rich \"1\"" } }, { name => 'get_time', args => {
    zone => 'Europe/Zurich' } });

sub class_of {
	my ($sdk, $status) = @_;

	return 'ApiError' if $sdk eq 'gemini';
	return ($sdk eq 'anthropic' ? \%class_anthropic : \%class)->{$status};
}

sub answered {
	my ($sdk, $d, $r, $want) = @_;

	is($r->{threw}, undef, 'nothing is thrown');
	is($r->{text}, $want, 'text');
	is($r->{stop}, $end{$sdk}, 'reason to stop');
	is($r->{model}, model_of($d), 'model');
	is_deeply([ @$r{qw(input output)} ], [ 12, 5 ], 'tokens');
	return if !defined $r->{deltas};
	is($r->{seen}, $want, 'text in deltas');
	cmp_ok($r->{deltas}, '>', 1, 'more than one');
}

# What the model said comes back in one piece, but where it is passed on as is.
sub told {
	my ($sdk, $d, $said) = @_;

	return $sdk eq $d ? [ join '', @$said ] : $said;
}

# The second request of a tool loop.
sub results_arrived {
	my ($sdk, $d, $body) = @_;
	my $x = $read{$d}->($body);
	my ($call, $result) = @$x{qw(calls results)};

	is_deeply($x->{tools}, [ map { $_->{name} } @calls ], 'tools');
	is_deeply(told($sdk, $d, $x->{said}), [ 'Let me look.' ],
	    'text is told again');
	is_deeply([ map { $_->[1] } @$call ], [ map { $_->{name} } @calls ],
	    'calls are told again');
	is_deeply([ map { ref $_->[2] ? $_->[2] :
	    JSON::PP->new->decode($_->[2]) } @$call ],
	    [ map { $_->{args} } @calls ], 'with their arguments');
	is_deeply([ map { $_->[1] } @$result ], [ 'sunny-21', 'noon-12' ],
	    'results in order');
	is_deeply([ map { $_->[0] } @$result ], [ map { $_->[0] } @$call ],
	    'each of its call');
	is_deeply($x->{signatures}, [ $signature{gemini}, undef ],
	    'signature, which other SDKs cannot carry') if $d eq 'gemini';
}

sub check_tools {
	my ($sdk, $d, $r, $body) = @_;

	answered($sdk, $d, $r, 'It is sunny.');
	is_deeply($r->{calls}, \@calls, 'calls');
	is($r->{before}, 'Let me look.', 'text ahead of them');
	is($r->{first_stop}, $at_tools{$sdk}, 'stopped for them');
	results_arrived($sdk, $d, $body->[-1]);
}

# Signed thoughts go back to who signed them, and to nobody else.
sub check_tools_thinking {
	my ($sdk, $d, $r, $body) = @_;
	my $sent = encode_json($body->[-1]);

	check_tools($sdk, $d, $r, $body);
	is($r->{thinking}, 'First, I think.', 'thoughts');
	for my $by (sort keys %signature) {
		my $want = $by eq $d;
		is($sent =~ /$signature{$by}/ ? 1 : 0, $want ? 1 : 0,
		    "signature of $by");
	}
}

# A chat of Google's SDK gives back a content for each chunk.
sub check_chat {
	my ($sdk, $d, $r, $body) = @_;

	answered($sdk, $d, $r, $text);
	is_deeply(told($sdk, $d, $read{$d}->($body->[-1])->{said}), [ $text ],
	    'the first answer is told again');
}

sub check_schema {
	my ($sdk, $d, $r, $body) = @_;
	my $x = $read{$d}->($body->[0]);
	my ($schema, $loose) = ($x->{schema}, $r->{name} eq 'loose');

	is_deeply($r->{parsed}, { city => 'Oslo', people => 7 },
	    'parsed by the SDK');
	is_deeply([ map { lc $schema->{properties}{$_}{type} }
	    qw(city people) ], [ qw(string integer) ],
	    "in the provider's own way");
	is_deeply([ sort @{ $schema->{required} } ], [ $loose ? 'city' :
	    qw(city people) ], 'required');
	# OpenAI refuses to be strict where a property is optional.
	is($x->{strict} ? 1 : 0, $loose ? 0 : 1, 'strict')
	    if $d =~ /^openai/;
}

sub check_thinking {
	my ($sdk, $d, $r, $body) = @_;

	answered($sdk, $d, $r, $text);
	is($r->{thinking}, 'First, I think.', 'thoughts');
	like($read{$d}->($body->[0])->{think},
	    qr/^(low|high|enabled|adaptive|2048)$/, 'asked for');
}

# A stream that broke: an error of the SDK's own, not a short answer.
sub check_broken {
	my ($sdk, $d, $r) = @_;

	like($r->{error}, $sdk eq 'gemini' ? qr/^ApiError$/ : qr/Error$/,
	    'an error is raised') or diag explain $r;
	like($r->{message}, $r->{name} eq 'cut' ? qr/broke off/ :
	    qr/provider says 5/, 'that says why');
	is($r->{seen}, 'Bonj', 'behind what was said');
}

sub check_error {
	my ($sdk, $d, $r) = @_;
	my ($status) = $r->{name} =~ /(\d+)/;

	is($r->{error}, class_of($sdk, $status), 'class of the error');
	is($r->{status}, $status, 'status');
	like($r->{message}, qr/provider says $status/, "provider's words");
	return if $sdk eq 'gemini';
	like($r->{id}, qr/^req_\w+$/, 'id of the request');
	is($r->{retry_after}, $status == 429 ? 7 : undef, 'retry-after');
}

my %check = (
	text => sub { answered(@_[0 .. 2], $text) },
	stream => sub { answered(@_[0 .. 2], $text) },
	system => sub {
		my ($sdk, $d, $r, $body) = @_;
		is($read{$d}->($body->[0])->{system}, 'Be brief.',
		    'system text');
	},
	image => sub {
		my ($sdk, $d, $r, $body) = @_;
		answered($sdk, $d, $r, $text);
		like($read{$d}->($body->[0])->{image},
		    qr{^data:image/png;base64,iVBOR\S+ggg==$}, 'image');
	},
	tool => \&check_tools, toolstream => \&check_tools,
	toolthink => \&check_tools_thinking,
	toolthinkstream => \&check_tools_thinking, chat => \&check_chat,
	schema => \&check_schema, loose => \&check_schema,
	think => \&check_thinking, thinkstream => \&check_thinking,
	runner => sub {
		my ($sdk, $d, $r, $body) = @_;
		answered($sdk, $d, $r, 'It is sunny.');
		results_arrived($sdk, $d, $body->[-1]);
	},
	abort => sub {
		my ($sdk, $d, $r) = @_;
		is($r->{seen}, 'Bonj', 'it had begun');
		like($r->{error}, qr/^(APIUserAbortError|DOMException)$/,
		    'the SDK knows that it left');
	},
	count => sub {
		my ($sdk, $d, $r) = @_;
		if ($d eq 'openai-chat') {
			cmp_ok($r->{tokens}, '>', 20, 'an estimate');
		} else {
			is($r->{tokens}, 101, "the provider's count");
		}
	},
	talk => sub {
		my ($sdk, $d, $r, $body) = @_;
		answered($sdk, $d, $r, $text);
		like(encode_json($body->[0]), qr/before.*\[\[talk /,
		    'what was said goes before');
		is($r->{items}[0], 'before', 'the first item');
		is($r->{items}[-1], $text, 'and the last');
		is(scalar @{ $r->{items} }, 3, 'in pages');
		is($r->{left}, 2, 'one was deleted');
		ok($r->{deleted}, 'and all of it');
	},
	embed => sub {
		my ($sdk, $d, $r) = @_;
		if ($d eq 'anthropic') {
			is($r->{error}, class_of($sdk, 400), 'refused');
			like($r->{message}, qr/no embeddings/, 'says why');
			return;
		}
		is_deeply($r->{vectors}, [ [ 0.5, -2.25, 1 ], [ 4, 8.125,
		    -16 ] ], 'vectors') or diag explain $r;
	},
	cut => \&check_broken, late => \&check_broken,
	map({ ("e$_" => \&check_error, "s$_" => \&check_error) } keys %class),
);

# Has the SDK a method for that?
sub offers {
	my ($sdk, $case) = @_;
	my %only = (runner => qr/chat|anthropic|gemini/, chat => qr/gemini/,
	    talk => qr/responses/, count => qr/responses|anthropic|gemini/,
	    embed => qr/openai-chat|gemini/);

	return !$only{$case} || $sdk =~ $only{$case};
}

# An Anthropic client's first attempt begins a thread, which the provider gets.
sub requests_wanted {
	my ($sdk, $d, $case) = @_;

	return 0 if "$case $d" =~ /^(count openai-chat|embed anthropic)$/;
	return 1 if $case !~ /^(tool|runner|chat)/;
	return $case eq 'runner' && $sdk eq 'anthropic' && $d eq 'anthropic' ?
	    3 : 2;
}

for my $sdk (@dialects) {
	for my $d (@dialects) {
		subtest "$sdk at $d" => sub {
			for my $case (sort keys %check) {
				next unless offers($sdk, $case);
				my $r = $got{$sdk}{$d}{$case};
				my $body = $asked{$sdk}{$d}{$case} // [];
				subtest $case => sub {
					ok($r, 'seen') or return;
					is(@$body, requests_wanted($sdk, $d,
					    $case), 'requests');
					$check{$case}->($sdk, $d, $r, $body);
					diag explain $r if !Test::More
					    ->builder->is_passing;
				};
			}
		};
	}
}

subtest 'those who left' => sub {
	for my $d (@dialects) {
		ok($g->wait_for(sub { 4 == grep { $_->{event} eq 'closed' &&
		    $_->{unfinished} } $up{$d}->requests }),
		    "$d: the provider was let go each time");
	}
	$g->settled;
	my @rows = $g->rows("close = 'client left'");
	is(@rows, 16, 'a row for each');
	is((grep { $_->{stream} } @rows), 16, 'of a stream');
};

$g->finish;
done_testing;
