package Stream;

# The same question in any dialect, and whether a stream is one: every frame
# whole, in the order that its dialect wants, and ended as it should be.

use strict;
use warnings;
use Client;
use Exporter 'import';
use JSON::PP;
our @EXPORT = qw(@DIALECTS question question_path stream_end error_fault);

our @DIALECTS = qw(openai-chat openai-responses anthropic gemini);

my %path = ('openai-chat' => '/v1/chat/completions',
    'openai-responses' => '/v1/responses', anthropic => '/v1/messages');

# how: plain, sse or array (Gemini's without alt=sse)
sub question_path {
	my ($dialect, $model, $how) = @_;

	return $path{$dialect} // "/v1beta/models/$model:" . {
	    plain => 'generateContent',
	    sse => 'streamGenerateContent?alt=sse',
	    array => 'streamGenerateContent' }->{$how};
}

sub question {
	my ($dialect, $model, $how, $text, %more) = @_;

	return { contents => [ { role => 'user', parts => [ { text => $text }
	    ] } ], %more } if $dialect eq 'gemini';
	return { model => $model, $dialect eq 'openai-responses' ?
	    (input => $text) : (messages => [ { role => 'user',
	    content => $text } ]), $dialect eq 'anthropic' ?
	    (max_tokens => 99) : (), $how eq 'sse' ? (stream => \1) : (),
	    %more };
}

# What is wrong with an error's envelope; nothing: ''.
sub error_fault {
	my ($dialect, $j, $status) = @_;
	my $e = ref $j eq 'HASH' ? $j->{error} : undef;

	return 'no error object' unless ref $e eq 'HASH';
	return 'no message' unless length($e->{message} // '');
	if ($dialect eq 'anthropic') {
		return 'type is not error' if ($j->{type} // '') ne 'error';
		return 'no error.type' unless $e->{type};
	} elsif ($dialect eq 'gemini') {
		return "code is not $status" if ($e->{code} // 0) != $status;
		return 'no status word' unless ($e->{status} // '') =~
		    /^[A-Z_]+$/;
	} else {
		return 'no error.type' unless $e->{type};
		return 'a member is missing' if grep { !exists $e->{$_} }
		    qw(param code);
	}
	return '';
}

# How a stream ended: 'complete', 'error', or else what is wrong with it.
sub stream_end {
	my ($dialect, $how, $body) = @_;
	my @ev;

	if ($how eq 'array') {
		my $j = eval { JSON::PP->new->utf8->decode($body) };
		return 'not a JSON array' unless ref $j eq 'ARRAY';
		@ev = map { { json => $_ } } @$j;
	} else {
		return 'it ends within a frame' unless $body =~ /\n\r?\n\z/;
		for my $line (split /\r?\n/, $body) {
			return "'$line' is no line of a stream" unless $line =~
			    /^(?:|:.*|event: \S+|data: .*)$/;
			next unless $line =~ /^data: (.*)/;
			return "not JSON: $1" unless $1 eq '[DONE]' ||
			    eval { JSON::PP->new->utf8->decode($1) };
		}
		@ev = Client::events($body);
	}
	return 'nothing in it' unless @ev;
	return { 'openai-chat' => \&chat, 'openai-responses' => \&responses,
	    anthropic => \&anthropic, gemini => \&gemini }->{$dialect}
	    ->(@ev);
}

sub chat {
	my ($finish, $done, $error);

	for my $e (@_) {
		return 'something after the end' if $done || $error;
		if ($e->{data} eq '[DONE]') {
			$done = 1;
		} elsif ($e->{json}{error}) {
			$error = 1;
			my $f = error_fault('openai-chat', $e->{json});
			return "error event: $f" if $f;
		} elsif (ref $e->{json}{choices} ne 'ARRAY') {
			return "no choices: $e->{data}";
		} else {
			$finish = 1 if grep { defined $_->{finish_reason} }
			    @{ $e->{json}{choices} };
		}
	}
	return $error ? 'error' : !$finish ? 'no finish_reason' :
	    $done ? 'complete' : 'no [DONE]';
}

sub responses {
	my ($n, $error, $last) = (0);

	for my $e (@_) {
		my $t = $e->{json}{type} // '';
		return "event is not the type of $e->{data}"
		    if ($e->{event} // '') ne $t;
		return "sequence_number is not $n"
		    if ($e->{json}{sequence_number} // -1) != $n++;
		return 'does not begin with response.created'
		    if $n == 1 && $t ne 'response.created';
		return 'something after the end' if $last;
		$error = $t eq 'error' ? 1 : $error;
		$last = $1 if $t =~ /^response\.(completed|incomplete|failed)/;
	}
	return 'no end' unless $last;
	return $last eq 'failed' ? 'error' : $error ? 'error and an end' :
	    'complete';
}

sub anthropic {
	my ($state, $index) = ('none', -1);
	my %after = (message_start => [qw(none idle)],
	    content_block_start => [qw(idle block)],
	    content_block_delta => [qw(block block)],
	    content_block_stop => [qw(block idle)],
	    message_delta => [qw(idle ending)],
	    message_stop => [qw(ending complete)]);

	for my $e (@_) {
		my $t = $e->{json}{type} // '';
		return "event is not the type of $e->{data}"
		    if ($e->{event} // '') ne $t;
		return 'something after the end'
		    if $state eq 'complete' || $state eq 'error';
		next if $t eq 'ping';
		if ($t eq 'error') {
			my $f = error_fault('anthropic', $e->{json});
			return "error event: $f" if $f;
			$state = 'error';
			next;
		}
		my $a = $after{$t} or return "unknown event $t";
		return "$t where it is $state" if $a->[0] ne $state;
		$state = $a->[1];
		$index++ if $t eq 'content_block_start';
		return "index of $t is not $index" if $t =~ /^content_block/
		    && $e->{json}{index} != $index;
	}
	return $state =~ /^(complete|error)$/ ? $state : "it ends $state";
}

sub gemini {
	my ($finish, $error);

	for my $e (@_) {
		my $j = $e->{json};
		return 'not an object' unless ref $j eq 'HASH';
		return 'something after an error' if $error;
		if ($j->{error}) {
			my $f = error_fault('gemini', $j, $j->{error}{code});
			return "error event: $f" if $f;
			$error = 1;
		}
		$finish = 1 if grep { $_->{finishReason} }
		    @{ $j->{candidates} // [] };
	}
	return $error ? 'error' : $finish ? 'complete' : 'no finishReason';
}

1;
