package Bodies;

# Requests of each dialect: a small one, and that of an agent deep in its work.

use strict;
use warnings;
use Exporter 'import';
use JSON::PP;
our @EXPORT = qw(dialects path_of small_body agent_body);

my $json = JSON::PP->new->utf8->canonical;
my $lorem = 'The quick brown fox jumps over the lazy dog, again and again. ';

sub dialects { qw(openai-chat openai-responses anthropic gemini) }

# The path to which a request of a dialect goes.
sub path_of {
	my ($dialect, $model, $stream) = @_;

	return '/v1/chat/completions' if $dialect eq 'openai-chat';
	return '/v1/responses' if $dialect eq 'openai-responses';
	return '/v1/messages' if $dialect eq 'anthropic';
	return "/v1beta/models/$model:" . ($stream ?
	    'streamGenerateContent?alt=sse' : 'generateContent');
}

sub _request {
	my ($dialect, $model, $text, $stream) = @_;
	my $m = [ { role => 'user', content => $text } ];
	my @s = $stream ? (stream => JSON::PP::true) : ();

	return { contents => [ { role => 'user', parts => [ { text => $text }
	    ] } ], generationConfig => { maxOutputTokens => 100 } }
	    if $dialect eq 'gemini';
	return { model => $model, input => $m, max_output_tokens => 100, @s }
	    if $dialect eq 'openai-responses';
	return { model => $model, messages => $m, max_tokens => 100, @s };
}

# 200 bytes.
sub small_body {
	my ($dialect, $model, $stream) = @_;
	my $n = 200 - length $json->encode(_request($dialect, $model, '',
	    $stream));

	return $json->encode(_request($dialect, $model,
	    substr($lorem x 4, 0, $n > 1 ? $n : 1), $stream));
}

# --- an agent's request ------------------------------------------------------------

sub _schema {
	my ($i) = @_;
	my %p = map { ("option_$_" => { type => $_ % 2 ? 'string' : 'integer',
	    description => "Option $_ of tool $i. $lorem" }) } 1 .. 8;

	return { type => 'object', required => [ 'path' ], properties => {
	    %p, path => { type => 'string', description => 'Where to look.' },
	    edits => { type => 'array', items => { type => 'object',
	    properties => { old => { type => 'string' },
	    new => { type => 'string' } } } } } };
}

sub _tools {
	map { { name => "tool_$_", description => $lorem x 5,
	    input_schema => _schema($_) } } 1 .. 20;
}

# A file as tools return it: lines, tabs, quotes, a little that is not ASCII.
sub _source {
	my ($n) = @_;
	my $text = '';

	for (my $i = 1; length $text < $n; $i++) {
		$text .= "$i\tif (strcmp(name, \"value_$i\") == 0)\t/* "
		    . "\x{4f60}\x{597d} */\n\t\treturn $i * 2;\n";
	}
	return substr $text, 0, $n;
}

# What was asked, then calls and their results: 120 messages, the last a user's.
sub _turns {
	my ($size) = @_;
	my @m = map { { role => 'user', content => [ { type => 'text',
	    text => $lorem x 10 } ] } } 1, 2;

	for my $i (1 .. 59) {
		push @m, { role => 'assistant', content => [
		    { type => 'text', text => $lorem x 2 },
		    { type => 'tool_use', id => "toolu_$i",
		    name => 'tool_' . ($i % 20 + 1),
		    input => { path => "src/file_$i.c", option_1 => $lorem } }
		    ] };
		push @m, { role => 'user', content => [ { type =>
		    'tool_result', tool_use_id => "toolu_$i",
		    content => [ { type => 'text', text => _source($size) } ]
		    } ] };
	}
	return @m;
}

# In Anthropic's dialect: 20 tools, 120 messages, near 392 KB.
sub agent_body {
	my ($model, $stream) = @_;
	my $make = sub {
		return $json->encode({ model => $model, max_tokens => 1000,
		    $stream ? (stream => JSON::PP::true) : (),
		    system => [ { type => 'text', text => $lorem x 160 } ],
		    tools => [ _tools() ], messages => [ _turns($_[0]) ] });
	};
	my $bare = length $make->(0);
	my $each = (length($make->(1000)) - $bare) / 1000;

	return $make->(int((392_000 - $bare) / $each));
}

1;
